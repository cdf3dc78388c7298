package data

import (
	"cmp"
	"slices"

	"forge.lthn.ai/core/go-mlx/internal/mt19937"
)

// lengthStep is what the lengths of batches are multiples of, so that few shapes
// are compiled.
const lengthStep = 32

// pass is the order of one pass over a set.
type pass struct {
	rows  []int32 // those of lane 0, of lane 1, …
	lanes []int32 // where each lane begins in rows, and the end of the last; nil when each has one row
	order []int32 // of the batches
}

// count is how many lanes there are: rows of batches.
func (p *pass) count() int {
	if p.lanes == nil {
		return len(p.rows)
	}
	return len(p.lanes) - 1
}

// lane is the examples of a batch's row.
func (p *pass) lane(i int) []int32 {
	if p.lanes == nil {
		return p.rows[i : i+1]
	}
	return p.rows[p.lanes[i]:p.lanes[i+1]]
}

// newPass plans the pass number epoch.
func (c *batchConfig) newPass(set Set, epoch int) *pass {
	if c.mlxlm {
		return c.asMLXLM(set, epoch)
	}
	random := mt19937.New(c.seed ^ uint32(epoch)*0x9e3779b9)
	p := &pass{rows: shuffled(c.trained(set), random)}
	if c.packed {
		c.pack(set, p)
	} else {
		p.rows = c.byLength(set, c.whole(p.rows))
	}
	p.order = permutation(random, c.batches(p.count()))
	return p
}

// asMLXLM is the order of mlx-lm's iterate_batches for the sets that its command
// has: they tell it how many members a row has for its length.
func (c *batchConfig) asMLXLM(set Set, epoch int) *pass {
	p := &pass{rows: make([]int32, set.Len())}
	for i := range p.rows {
		p.rows[i] = int32(i)
	}
	slices.SortStableFunc(p.rows, func(a, b int32) int { return cmp.Compare(set.Row(int(a)).Keys, set.Row(int(b)).Keys) })
	p.rows = c.whole(p.rows)
	random := mt19937.New(c.seed)
	for range epoch + 1 {
		p.order = permutation(random, c.batches(len(p.rows)))
	}
	return p
}

// trained are the rows in which something counts within the length.
func (c *batchConfig) trained(set Set) []int32 {
	rows := make([]int32, 0, set.Len())
	for i := range set.Len() {
		if r := set.Row(i); r.Trained < min(r.Tokens, c.length) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// batches is how many batches n lanes make.
func (c *batchConfig) batches(n int) int {
	if c.rest {
		n += c.size - 1
	}
	return n / c.size
}

// whole leaves out the rows that fill no batch, which are others in each pass.
func (c *batchConfig) whole(rows []int32) []int32 {
	if c.rest {
		return rows[:len(rows)-len(rows)%c.world]
	}
	return rows[:len(rows)-len(rows)%c.size]
}

// byLength puts rows that are padded to the same length together, in their order.
func (c *batchConfig) byLength(set Set, rows []int32) []int32 {
	bucket := func(i int32) int { return c.width(min(set.Row(int(i)).Tokens, c.length)) / lengthStep }
	last := 0
	for _, i := range rows {
		last = max(last, bucket(i))
	}
	next := make([]int, last+2) // where the next row of a bucket goes
	for _, i := range rows {
		next[bucket(i)+1]++
	}
	for b := range last {
		next[b+1] += next[b]
	}
	sorted := make([]int32, len(rows))
	for _, i := range rows {
		b := bucket(i)
		sorted[next[b]] = i
		next[b]++
	}
	return sorted
}

// permutation is the numbers below n in random order.
func permutation(random *mt19937.Source, n int) []int32 {
	out := make([]int32, n)
	for i, j := range random.Permutation(n) {
		out[i] = int32(j)
	}
	return out
}

func shuffled(rows []int32, random *mt19937.Source) []int32 {
	out := permutation(random, len(rows))
	for i, j := range out {
		out[i] = rows[j]
	}
	return out
}
