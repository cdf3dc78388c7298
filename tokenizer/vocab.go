package tokenizer

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// vocab holds the tokens of a model. All contents lie in one string and the tables hold no pointers: a vocabulary of
// 262,144 tokens costs a handful of allocations, nothing for the garbage collector to trace, and two cache lines a look-up.
type vocab struct {
	text   string
	ends   []uint32 // entry i is text[ends[i]:ends[i+1]]
	ids    []int32  // of entry i
	table  []uint32 // open addressing: entry + 1, 0 where free; the length is a power of two
	seed   maphash.Seed
	byID   []int32         // entry + 1 of an id, 0 where there is none
	sparse map[int32]int32 // the same, where ids are too far apart for a slice
}

// vocabBuilder collects the entries of a vocab.
type vocabBuilder struct {
	text strings.Builder
	v    vocab
}

// newVocabBuilder is a builder with room for tokens.
func newVocabBuilder(tokens []string) *vocabBuilder {
	b, size := new(vocabBuilder), 0
	for _, tok := range tokens {
		size += len(tok)
	}
	b.text.Grow(min(size, maxVocabText))
	b.v.ends = append(make([]uint32, 0, len(tokens)+1), 0)
	b.v.ids = make([]int32, 0, len(tokens))
	return b
}

// maxVocabText bounds the sum of all token lengths, which are kept as 32-bit offsets.
const maxVocabText = 1 << 31

// add appends an entry. Duplicates are found by build.
func (b *vocabBuilder) add(token string, id int32) {
	if b.v.ends == nil {
		b.v.ends = append(b.v.ends, 0)
	}
	if b.text.Len()+len(token) < maxVocabText {
		b.text.WriteString(token)
	}
	b.v.ends = append(b.v.ends, uint32(b.text.Len()))
	b.v.ids = append(b.v.ids, id)
}

// build indexes the entries. at names entry i in errors. Of a token that is given twice the last id counts, where that is
// allowed.
func (b *vocabBuilder) build(at func(i int, token string) string, twice bool) (*vocab, error) {
	v := &b.v
	v.text, v.seed = b.text.String(), maphash.MakeSeed()
	if v.ends == nil {
		v.ends = []uint32{0}
	}
	size := 16
	for size < 2*len(v.ids) {
		size *= 2
	}
	v.table = written[uint32](size)
	for i := range v.ids {
		token := v.entry(i)
		slot, taken := v.slot(maphash.String(v.seed, token), token)
		if taken && !twice {
			return nil, fmt.Errorf("%s: token %q is given twice", at(i, token), token)
		}
		v.table[slot] = uint32(i) + 1
	}
	return v, v.indexIDs(at)
}

// written makes a table of zeros and writes them. Memory that is new to the process is
// given at its first use; entries come in no order, and each would be looked at before
// it is written, for which the system would give its page twice.
func written[T any](n int) []T {
	table := make([]T, n)
	clear(table)
	return table
}

// indexIDs fills the table from id to entry.
func (v *vocab) indexIDs(at func(i int, token string) string) error {
	limit := int32(2*len(v.ids) + 1024)
	dense := true
	high := int32(-1)
	for _, id := range v.ids {
		high = max(high, id)
		dense = dense && id < limit
	}
	if dense {
		v.byID = make([]int32, high+1)
	} else {
		v.sparse = make(map[int32]int32, len(v.ids))
	}
	for i, id := range v.ids {
		if other := v.entryOf(id); other >= 0 {
			return fmt.Errorf("%s: id %d is taken by token %q", at(i, v.entry(i)), id, v.entry(other))
		}
		if dense {
			v.byID[id] = int32(i) + 1
		} else {
			v.sparse[id] = int32(i) + 1
		}
	}
	return nil
}

func (v *vocab) len() int { return len(v.ids) }

func (v *vocab) entry(i int) string { return v.text[v.ends[i]:v.ends[i+1]] }

// slot returns where the token with that hash is in the table, or where it would go.
func (v *vocab) slot(hash uint64, token string) (slot uint64, taken bool) {
	mask := uint64(len(v.table) - 1)
	for slot = hash & mask; v.table[slot] != 0; slot = (slot + 1) & mask {
		if v.entry(int(v.table[slot]-1)) == token {
			return slot, true
		}
	}
	return slot, false
}

// id returns the id of token.
func (v *vocab) id(token string) (int32, bool) {
	slot, ok := v.slot(maphash.String(v.seed, token), token)
	if !ok {
		return -1, false
	}
	return v.ids[v.table[slot]-1], true
}

// idOf is id for bytes.
func (v *vocab) idOf(token []byte) (int32, bool) {
	mask := uint64(len(v.table) - 1)
	for slot := maphash.Bytes(v.seed, token) & mask; v.table[slot] != 0; slot = (slot + 1) & mask {
		if entry := int(v.table[slot] - 1); v.entry(entry) == string(token) {
			return v.ids[entry], true
		}
	}
	return -1, false
}

// entryOf returns the entry that has the id, -1 if there is none.
func (v *vocab) entryOf(id int32) int {
	switch {
	case v.sparse != nil:
		return int(v.sparse[id]) - 1
	case id < 0 || int(id) >= len(v.byID):
		return -1
	}
	return int(v.byID[id]) - 1
}

// token returns the content of the token with the id.
func (v *vocab) token(id int32) (string, bool) {
	i := v.entryOf(id)
	if i < 0 {
		return "", false
	}
	return v.entry(i), true
}
