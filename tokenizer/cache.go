package tokenizer

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	cacheSlots   = 1 << 15 // words kept at most
	cacheMaxWord = 64      // bytes of the longest word kept
	cacheStay    = 16      // a full pair of slots gives way to one new word in so many
)

// wordCache remembers how words were split into ids. It is safe for concurrent use without locks: slots change by
// atomic replacement, and what they point to never changes. It holds at most cacheSlots words.
type wordCache struct {
	seed   maphash.Seed
	misses atomic.Uint32
	slots  [cacheSlots]atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

func newWordCache() *wordCache { return &wordCache{seed: maphash.MakeSeed()} }

// find returns the ids of word, and its hash for keep.
func (c *wordCache) find(word string) (ids []int32, hash uint64, ok bool) {
	hash = maphash.String(c.seed, word)
	slot := hash % cacheSlots
	if e := c.slots[slot].Load(); e != nil && e.word == word {
		return e.ids, hash, true
	}
	if e := c.slots[slot^1].Load(); e != nil && e.word == word {
		return e.ids, hash, true
	}
	return nil, hash, false
}

// keep stores the ids of word. Two words share two slots; when both are taken most new words are not kept, so that a
// text with more words than slots does not spend its time on allocation.
func (c *wordCache) keep(word string, hash uint64, ids []int32) {
	slot := hash % cacheSlots
	if c.slots[slot].Load() != nil {
		slot ^= 1
	}
	if c.slots[slot].Load() != nil {
		n := c.misses.Add(1)
		if n%cacheStay != 0 {
			return
		}
		slot ^= uint64(n/cacheStay) & 1
	}
	e := &cachedWord{word: strings.Clone(word), ids: make([]int32, len(ids))}
	copy(e.ids, ids)
	c.slots[slot].Store(e)
}
