package tokenizer

import "math/bits"

// noRank marks a pair of symbols that does not merge.
const noRank = ^uint32(0)

// pairTable maps a pair of symbols to the rank of its merge and the symbol it becomes: open addressing over plain
// numbers, since this look-up is what encoding spends its time on.
type pairTable struct {
	slots []pairSlot // the length is a power of two
	shift uint
}

type pairSlot struct {
	left, right int32
	above       uint32 // rank + 1; 0 where the slot is free, for which find's rank is noRank
	into        int32
}

// rank returns the rank of the merge in a slot, noRank where it is free.
func (s *pairSlot) rank() uint32 { return s.above - 1 }

func newPairTable(n int) *pairTable {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return &pairTable{slots: written[pairSlot](size), shift: uint(64 - bits.TrailingZeros(uint(size)))}
}

func (t *pairTable) start(left, right int32) uint64 {
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	key ^= key >> 29
	return key * 0x9e3779b97f4a7c15 >> t.shift
}

// add records a merge; the later of two for the same pair stays, as in the reference.
func (t *pairTable) add(left, right int32, rank uint32, into int32) {
	mask := uint64(len(t.slots) - 1)
	for i := t.start(left, right); ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.above == 0 || s.left == left && s.right == right {
			*s = pairSlot{left, right, rank + 1, into}
			return
		}
	}
}

// find returns the rank of the pair's merge, noRank if it has none, and the symbol it becomes.
func (t *pairTable) find(left, right int32) (rank uint32, into int32) {
	mask := uint64(len(t.slots) - 1)
	for i := t.start(left, right); ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.above == 0 || s.left == left && s.right == right {
			return s.above - 1, s.into
		}
	}
}
