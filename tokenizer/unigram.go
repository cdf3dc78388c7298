package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// unigram gives a piece the tokens whose scores, logarithms of probabilities, have the greatest sum (Kudo, 2018): a
// Viterbi search over all tokens that begin at each character.
type unigram struct {
	vocab    *vocab
	scores   []float64 // by id
	trie     trie
	unk      int32 // -1: there is none
	unkScore float64
	fallback *[256]int32 // ids of <0x00> to <0xFF>, -1 where absent; nil: unknown characters are not written as bytes
	cache    *wordCache
}

// unkPenalty is how much less an unknown character scores than the least token.
const unkPenalty = 10

func newUnigram(v *vocab, scores []float64, unk int32, byteFallback bool) *unigram {
	u := &unigram{vocab: v, scores: scores, unk: unk, cache: newWordCache()}
	least := math.Inf(1)
	for _, s := range scores {
		least = min(least, s)
	}
	u.unkScore = least - unkPenalty
	u.trie = newTrie(v)
	if byteFallback {
		u.fallback = byteTokens(v)
	}
	return u
}

// byteTokens returns the ids of <0x00> to <0xFF>, -1 where absent.
func byteTokens(v *vocab) *[256]int32 {
	ids := new([256]int32)
	for b := range ids {
		id, ok := v.id(fmt.Sprintf("<0x%02X>", b))
		if !ok {
			id = -1
		}
		ids[b] = id
	}
	return ids
}

func (u *unigram) vocabulary() *vocab { return u.vocab }

func (u *unigram) appendIDs(dst []int32, piece string, sc *scratch) ([]int32, error) {
	return idsOf(u, u.cache, dst, piece, sc)
}

// step is the best way to the end of a character: its last token, and where that begins.
type step struct {
	score float64
	start int32
	id    int32
}

func (u *unigram) appendTokens(dst []token, piece string, sc *scratch) ([]token, error) {
	if len(piece) > math.MaxInt32-1 {
		return dst, fmt.Errorf("tokenizer: a piece of %d bytes, the limit is %d", len(piece), math.MaxInt32-1)
	}
	if err := u.search(piece, sc); err != nil {
		return dst, err
	}
	begun := len(dst)
	for end := len(piece); end > 0; {
		s := sc.steps[end]
		last := len(dst) - 1
		if s.id == u.unk && last >= begun && dst[last].id == u.unk { // unknown characters side by side are one
			dst[last].span.Start = int(s.start)
		} else {
			dst = append(dst, token{s.id, Span{int(s.start), end}})
		}
		end = int(s.start)
	}
	slices.Reverse(dst[begun:])
	return u.spell(dst, begun, piece)
}

// search fills in the steps.
func (u *unigram) search(piece string, sc *scratch) error {
	steps := slices.Grow(sc.steps[:0], len(piece)+1)[:len(piece)+1]
	sc.steps = steps
	for i := range steps {
		steps[i].start = -1
	}
	steps[0].score = 0
	for at := 0; at < len(piece); {
		_, n := utf8.DecodeRuneInString(piece[at:])
		here, single := steps[at].score, false
		better := func(end int, id int32, score float64) {
			if s := &steps[end]; s.start < 0 || score > s.score {
				*s = step{score, int32(at), id}
			}
		}
		node := u.trie.root()
		for end := at; end < len(piece); {
			if node = u.trie.next(node, piece[end]); node < 0 {
				break
			}
			end++
			if id := u.trie.value(node); id >= 0 {
				better(end, id, u.scores[id]+here)
				single = single || end == at+n
			}
		}
		if !single {
			if u.unk < 0 {
				return fmt.Errorf("tokenizer: %q is unknown, and the model has no unk_id for that", piece[at:at+n])
			}
			better(at+n, u.unk, u.unkScore+here)
		}
		at += n
	}
	return nil
}

// spell looks at the unknown tokens again: their text may be a token after all, or be written as bytes.
func (u *unigram) spell(dst []token, begun int, piece string) ([]token, error) {
	if !slices.ContainsFunc(dst[begun:], func(t token) bool { return t.id == u.unk }) {
		return dst, nil
	}
	list := slices.Clone(dst[begun:])
	dst = dst[:begun]
	for _, t := range list {
		text := piece[t.span.Start:t.span.End]
		if t.id == u.unk {
			if id, ok := u.vocab.id(text); ok {
				t.id = id
			} else if u.spells(text) {
				for i := range len(text) {
					dst = append(dst, token{u.fallback[text[i]], t.span})
				}
				continue
			}
		}
		dst = append(dst, t)
	}
	return dst, nil
}

// spells reports whether all bytes of text have tokens.
func (u *unigram) spells(text string) bool {
	for i := range len(text) {
		if u.fallback == nil || u.fallback[text[i]] < 0 {
			return false
		}
	}
	return true
}
