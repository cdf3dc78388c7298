package data

import "slices"

// Summary tells what becomes of a set in the pass that goes on.
type Summary struct {
	Rows      int // of the set
	Batches   int
	Truncated int // rows longer than MaxLength
	Untrained int // rows in which nothing counts within MaxLength, left out
	Left      int // rows that fill no batch, left out of this pass
	// Padding is the share of the batches' positions that are padding; Unsorted what
	// it would be if rows were not put together by length.
	Padding, Unsorted float64
}

// Summary reads nothing.
func (b *Batches) Summary() Summary {
	s := Summary{Rows: b.set.Len(), Batches: b.Len()}
	for i := range b.set.Len() {
		if b.set.Row(i).Tokens > b.length {
			s.Truncated++
		}
	}
	if b.plan() != nil {
		return s
	}
	if !b.mlxlm {
		s.Untrained = s.Rows - len(b.trained(b.set))
	}
	taken := 0
	for i := range min(b.pass.count(), s.Batches*b.size) {
		taken += len(b.pass.lane(i))
	}
	s.Left = s.Rows - s.Untrained - taken
	s.Padding = b.padding(b.pass, s.Batches)
	unsorted := b.batchConfig
	unsorted.packed = false
	plain := &pass{rows: unsorted.whole(b.trained(b.set))}
	s.Unsorted = b.padding(plain, unsorted.batches(plain.count()))
	return s
}

// padding is the share of positions of all processes' batches.
func (b *Batches) padding(p *pass, batches int) float64 {
	used, all := 0, 0
	for k := range batches {
		lanes := make([]int, 0, b.size)
		for i := k * b.size; i < min((k+1)*b.size, p.count()); i++ {
			tokens := 0
			for _, row := range p.lane(i) {
				tokens += min(b.set.Row(int(row)).Tokens, b.length)
			}
			lanes = append(lanes, tokens)
		}
		width := b.width(slices.Max(lanes))
		for _, tokens := range lanes {
			used += min(tokens, width)
			all += width
		}
	}
	return 1 - float64(used)/float64(all)
}
