package data

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// examples are n of random lengths below limit; those of example i are tokens i + 1.
func examples(n, limit int, seed uint64) Slice {
	random := rand.New(rand.NewPCG(seed, 0))
	s := make(Slice, n)
	for i := range s {
		s[i].Tokens = slices.Repeat([]int32{int32(i + 1)}, 2+random.IntN(limit-2))
	}
	return s
}

func newBatches(t require.TestingT, s Set, opts ...BatchOption) *Batches {
	b, err := NewBatches(s, opts...)
	require.NoError(t, err)
	return b
}

func next(t require.TestingT, b *Batches) *Batch {
	batch, err := b.Next()
	require.NoError(t, err)
	return batch
}

// onePass counts how often each example's tokens stand in a pass.
func onePass(t require.TestingT, b *Batches) map[int32]int {
	seen, epoch := map[int32]int{}, b.Position().Epoch
	for b.Position().Epoch == epoch {
		for _, token := range next(t, b).Tokens {
			if token != 0 {
				seen[token]++
			}
		}
	}
	return seen
}

// A pass has every example once, whole up to the maximum length, and the rows that
// fill no batch are others in the next pass.
func TestPassHasEveryExampleOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := examples(rapid.IntRange(1, 80).Draw(t, "n"), 100, rapid.Uint64().Draw(t, "seed"))
		size := rapid.IntRange(1, 6).Draw(t, "size")
		length := rapid.IntRange(2, 120).Draw(t, "length")
		opts := []BatchOption{BatchSize(size), MaxLength(length), Seed(rapid.Uint32().Draw(t, "order")), WithRest()}
		if rapid.Bool().Draw(t, "packed") {
			opts = append(opts, Packed())
		}
		b := newBatches(t, set, opts...)
		for range 2 {
			seen := onePass(t, b)
			require.Len(t, seen, len(set))
			for i, ex := range set {
				require.Equal(t, min(len(ex.Tokens), length), seen[int32(i+1)])
			}
		}
	})
	b := newBatches(t, examples(10, 30, 1), BatchSize(4))
	require.Equal(t, 2, b.Len())
	first, second := onePass(t, b), onePass(t, b)
	require.Len(t, first, 8)
	require.NotEqual(t, first, second)
}

// From a Position on, the batches are the same as without a break, over the end of a
// pass too.
func TestSeekGoesOnExactly(t *testing.T) {
	set := examples(33, 60, 2)
	for _, opts := range [][]BatchOption{{Seed(3)}, {Seed(3), Packed(), MaxLength(70)}, {Seed(3), AsMLXLM()}, {WithRest()}} {
		b := newBatches(t, set, opts...)
		var at []Position
		var all []*Batch
		for range 30 {
			at = append(at, b.Position())
			all = append(all, next(t, b))
		}
		require.Greater(t, at[29].Epoch, 1)
		for i := range at {
			again := newBatches(t, set, opts...)
			require.NoError(t, again.Seek(at[i]))
			require.Equal(t, at[i], again.Position())
			require.Equal(t, all[i:min(i+3, 30)], []*Batch{next(t, again), next(t, again), next(t, again)}[:min(3, 30-i)])
		}
		require.NoError(t, b.Seek(Position{}))
		require.Equal(t, all[0], next(t, b))
	}
	b := newBatches(t, set)
	require.ErrorContains(t, b.Seek(Position{Epoch: 1, Batch: 8}), "pass 1 has 8 batches")
	require.ErrorContains(t, b.Seek(Position{Batch: -1}), "no position")
	require.Equal(t, Position{}, b.Position())
	require.NoError(t, b.Seek(Position{Epoch: 1, Batch: 7}))
}

// The seed and the pass tell the order.
func TestSeedTellsTheOrder(t *testing.T) {
	set := examples(40, 50, 3)
	order := func(seed uint32, epoch int) (first []int32) {
		b := newBatches(t, set, Seed(seed), BatchSize(1))
		require.NoError(t, b.Seek(Position{Epoch: epoch}))
		for range b.Len() {
			first = append(first, next(t, b).Tokens[0])
		}
		return first
	}
	require.Equal(t, order(1, 0), order(1, 0))
	require.NotEqual(t, order(1, 0), order(2, 0))
	require.NotEqual(t, order(1, 0), order(1, 1))
}

// Rows of a length stand together: less is padding than in mlx-lm's order.
func TestBatchesAreOfALength(t *testing.T) {
	set := examples(400, 500, 4)
	padding := func(opts ...BatchOption) float64 {
		b := newBatches(t, set, append(opts, BatchSize(8))...)
		wasted, all := 0, 0
		for range b.Len() {
			batch := next(t, b)
			require.True(t, batch.L%lengthStep == 0 || batch.L == 511)
			_, n := batch.Count()
			wasted, all = wasted+n, all+batch.B*batch.L
		}
		return float64(wasted) / float64(all)
	}
	sorted, packed, inert := padding(), padding(Packed(), MaxLength(512)), padding(AsMLXLM())
	require.Less(t, sorted, 0.08)
	require.Less(t, packed, 0.12)
	require.Greater(t, inert, 0.4)
	s := newBatches(t, set, BatchSize(8)).Summary()
	require.InDelta(t, sorted, s.Padding, 1e-9)
	require.Greater(t, s.Unsorted, 0.4)
	require.InDelta(t, packed, newBatches(t, set, Packed(), MaxLength(512), BatchSize(8)).Summary().Padding, 1e-9)
}

// An input, the target beside it, the mask and the padding of two rows.
func TestBatchOfTwoRows(t *testing.T) {
	set := Slice{
		{Tokens: []int32{1, 2, 3, 4}, Trained: []bool{false, false, true, true}},
		{Tokens: []int32{5, 6}},
	}
	b := next(t, newBatches(t, set, BatchSize(2), MaxLength(6)))
	require.Equal(t, &Batch{B: 2, L: 5,
		Tokens:  []int32{5, 6, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0},
		Trained: []bool{true, false, false, false, false, false, true, true, false, false},
		Lengths: []int{2, 4}}, b)
	trained, padding := b.Count()
	require.Equal(t, []int{3, 4}, []int{trained, padding})
}

// Packed rows: nothing is predicted over the border of two examples.
func TestPackedRow(t *testing.T) {
	set := Slice{{Tokens: []int32{1, 1, 1, 1}}, {Tokens: []int32{2, 2, 2}}, {Tokens: []int32{3, 3, 3, 3, 3}}, {Tokens: []int32{4, 4}}}
	b := newBatches(t, set, BatchSize(1), MaxLength(7), Packed())
	require.Equal(t, 2, b.Len())
	for range b.Len() {
		batch := next(t, b)
		require.Equal(t, 6, batch.L)
		require.Equal(t, []int{6}, batch.Lengths)
		for l := range batch.L {
			same := batch.Tokens[l] == batch.Tokens[l+1]
			require.Equal(t, same, batch.Trained[l])
			require.Equal(t, same, l+1 == batch.L || batch.Segments[l] == batch.Segments[l+1])
		}
		require.Equal(t, int32(1), batch.Segments[0])
	}
}

// First fit: a row goes into the first lane with room.
func TestFirstFit(t *testing.T) {
	r := newRooms(5, 10)
	for _, c := range []struct{ need, lane int32 }{{6, 0}, {5, 1}, {4, 0}, {5, 1}, {1, 2}, {10, 3}, {9, 2}, {10, 4}} {
		require.Equal(t, c.lane, r.take(c.need))
	}
}

// The processes' shares are the batch of one, row by row.
func TestShardsAreTheBatch(t *testing.T) {
	set := examples(29, 40, 5)
	for _, opts := range [][]BatchOption{{}, {Packed(), MaxLength(64)}, {AsMLXLM()}} {
		whole := newBatches(t, set, opts...)
		shards := []*Batches{newBatches(t, set, append(opts, Shard(0, 2))...), newBatches(t, set, append(opts, Shard(1, 2))...)}
		for range 2 * whole.Len() {
			all := next(t, whole)
			parts := []*Batch{next(t, shards[0]), next(t, shards[1])}
			for i := range all.B {
				part := parts[i%2]
				require.Equal(t, 2, part.B)
				want, got := all.row(i), part.row(i/2)
				n := min(len(want), len(got)) // the padding is each process's own
				require.Equal(t, want[:n], got[:n])
				require.Equal(t, all.Lengths[i], part.Lengths[i/2])
			}
		}
	}
}

func (b *Batch) row(i int) []int32 { return b.Tokens[i*(b.L+1) : (i+1)*(b.L+1)] }

// Rows that are too long are cut and counted; those of which nothing is left to
// train on are left out.
func TestSummaryCounts(t *testing.T) {
	set := Slice{
		{Tokens: make([]int32, 50)},
		{Tokens: make([]int32, 9), Trained: append(make([]bool, 8), true)},
		{Tokens: make([]int32, 30), Trained: append(make([]bool, 29), true)}, // masked up to behind the cut
		{Tokens: make([]int32, 5), Trained: make([]bool, 5)},                 // masked altogether
		{Tokens: make([]int32, 4)}, {Tokens: make([]int32, 1)},
	}
	b := newBatches(t, set, BatchSize(2), MaxLength(20))
	s := b.Summary()
	require.Equal(t, []int{6, 1, 2, 3, 1}, []int{s.Rows, s.Batches, s.Truncated, s.Untrained, s.Left})
	_, err := NewBatches(set, BatchSize(4), MaxLength(20))
	require.ErrorContains(t, err, "3 of 6 rows are left to train on: too few for a batch of 4")
	require.Equal(t, 1, newBatches(t, set, BatchSize(4), MaxLength(20), WithRest()).Len())
}

func TestWrongBatchOptions(t *testing.T) {
	set := examples(8, 20, 6)
	for want, opts := range map[string][]BatchOption{
		"a batch size of 0 is not positive":             {BatchSize(0)},
		"a maximum length of 1 is not 2 or more":        {MaxLength(1)},
		"no process 2 of 2":                             {Shard(2, 2)},
		"a batch size of 4 cannot be shared by 3":       {Shard(0, 3)},
		"mlx-lm does not pack":                          {AsMLXLM(), Packed()},
		"the rest of packed rows":                       {Packed(), WithRest(), Shard(0, 2)},
		"8 of 8 rows are left to train on: too few":     {BatchSize(9)},
		"fit into 1 of up to 2048 tokens: too few":      {BatchSize(2), Packed()},
		"example 0 has 4 tokens and a mask of 2 entrie": nil,
	} {
		if opts == nil {
			bad := Slice{{Tokens: make([]int32, 4), Trained: make([]bool, 2)}}
			_, err := newBatches(t, bad, BatchSize(1)).Next()
			require.ErrorContains(t, err, want)
			continue
		}
		_, err := NewBatches(set, opts...)
		require.ErrorContains(t, err, want)
	}
}

func ExampleNewBatches() {
	set := Slice{{Tokens: []int32{1, 2, 3}}, {Tokens: []int32{4, 5}}}
	b, err := NewBatches(set, BatchSize(2), MaxLength(4))
	if err != nil {
		panic(err)
	}
	batch, err := b.Next()
	if err != nil {
		panic(err)
	}
	trained, padding := batch.Count()
	fmt.Println(batch.Tokens, trained, padding, b.Position())
	// Output: [4 5 0 0 1 2 3 0] 3 1 {1 0}
}
