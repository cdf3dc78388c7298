package cache_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// rows are sequences of one row each in a batch, of which some tokens were seen;
// a negative number is padding to come.
type rows struct {
	t    *testing.T
	th   *mlx.Thread
	kv   *cache.Cache
	all  []*sequence
	seen []int
}

// step feeds the next n columns and compares what each row gets with what it gets
// alone. What stands in padding is no number.
func (r *rows) step(n int) {
	r.t.Helper()
	var positions []int32
	out, err := r.th.Build(func(s *mlx.Scope) mlx.Array {
		var q, k, v []mlx.Array
		for i, x := range r.all {
			pad := min(n, max(0, -r.seen[i]))
			from := max(0, r.seen[i])
			qi, ki, vi := x.inputs(s, from, from+n-pad)
			junk := s.Full([]int{1, x.heads, pad, x.dim}, s.Scalar(math.NaN(), mlx.Float32), mlx.Float32)
			part := s.Slice(junk, []int{0, 0, 0, 0}, []int{1, x.kvHeads, pad, x.dim}, []int{1, 1, 1, 1})
			q = append(q, s.ConcatenateAxis([]mlx.Array{junk, qi}, 2))
			k = append(k, s.ConcatenateAxis([]mlx.Array{part, ki}, 2))
			v = append(v, s.ConcatenateAxis([]mlx.Array{part, vi}, 2))
		}
		kv := r.kv.KV(s, 0)
		at := kv.Position()
		rows := at.Rows
		if rows.IsNull() {
			rows = s.Full([]int{len(r.all)}, s.Scalar(float64(at.Offset), mlx.Int32), mlx.Int32)
		}
		out := kv.Attend(s, s.ConcatenateAxis(q, 0), s.ConcatenateAxis(k, 0), s.ConcatenateAxis(v, 0), cache.Attention{Scale: scale})
		flat := s.Reshape(out, -1)
		return s.ConcatenateAxis([]mlx.Array{s.AsType(rows, mlx.Float32), flat}, 0)
	})
	require.NoError(r.t, err)
	defer out.Close()
	values, err := mlx.Values[float32](r.th, out)
	require.NoError(r.t, err)
	for i := range r.all {
		positions = append(positions, int32(r.seen[i]))
		require.EqualValues(r.t, positions[i], values[i], "position of row %d", i)
	}
	values = values[len(r.all):]
	for i, x := range r.all {
		for h := range x.heads {
			for l := range n {
				have, at := values[:x.dim], r.seen[i]+l
				values = values[x.dim:]
				if at < 0 {
					continue
				}
				for d, want := range x.want[x.at(x.heads, 0, h, at) : x.at(x.heads, 0, h, at)+x.dim] {
					require.InDelta(r.t, want, have[d], 2e-5, "row %d, position %d", i, at)
				}
			}
		}
		r.seen[i] += n
	}
}

// batchKinds are layers, how they are kept, and what their queries see.
var batchKinds = map[string]struct {
	kind   cache.Kind
	opts   []cache.Option
	window int
	bits   int
}{
	"full":            {kind: cache.Full(), window: 1000},
	"sliding":         {kind: cache.Sliding(6), window: 6},
	"of one token":    {kind: cache.Sliding(1), window: 1},
	"full, bounded":   {kind: cache.Full(), opts: []cache.Option{cache.WithMaxSize(9)}, window: 9},
	"full, quantised": {kind: cache.Full(), opts: []cache.Option{cache.WithBits(8, 32)}, window: 1000, bits: 8},
	"sliding, 4 bits": {kind: cache.Sliding(6), opts: []cache.Option{cache.WithBits(4, 32)}, window: 6, bits: 4},
}

// newRows makes a batch with that padding.
func newRows(t *testing.T, th *mlx.Thread, what string, left ...int) *rows {
	c := batchKinds[what]
	opts := append([]cache.Option{cache.WithLeftPadding(left...)}, c.opts...)
	r := &rows{t: t, th: th, kv: cache.New(th, []cache.Kind{c.kind}, opts...)}
	sees := func(l int) []int { return upTo(max(0, l-c.window+1), l) }
	for i, n := range left {
		x := newSequence(1, 2, 1, 60+i, 32)
		for e := range x.k {
			x.k[e], x.v[e] = x.k[e]*float32(i+1)/3, x.v[e]-float32(i+n)
		}
		if x.sees(sees); c.bits > 0 {
			x.asStored(t, th, c.bits, 32, sees)
		}
		r.all, r.seen = append(r.all, x), append(r.seen, -n)
	}
	return r
}

// Each row of a padded batch gets what it gets alone, in chunks and in steps,
// while the padding is in sight and after.
func TestRowsOfDifferentLengths(t *testing.T) {
	for what := range batchKinds {
		t.Run(what, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				for _, left := range [][]int{{0, 0}, {3, 0, 5}, {2, 12}, {4}} {
					for _, chunks := range [][]int{{6, 1, 1, 1, 3, 1}, {14, 1}, {1}} {
						r := newRows(t, th, what, left...)
						for n := 0; n < 24; {
							for _, c := range chunks {
								r.step(c)
								n += c
							}
						}
						require.NoError(t, r.kv.Close())
					}
				}
			})
		})
	}
}

// Rows go and come in any order between steps: each goes on as it would alone.
func TestRowsComeAndGo(t *testing.T) {
	random, rounds := rand.New(rand.NewPCG(3, 4)), 8
	if testing.Short() {
		rounds = 2
	}
	for _, what := range slices.Sorted(maps.Keys(batchKinds)) {
		t.Run(what, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				for range rounds {
					r := newRows(t, th, what, 2, 0, 4)
					for range 14 {
						r.change(random, what)
						if slices.Max(r.seen) > 50 {
							break
						}
						r.step(1 + random.IntN(4)*random.IntN(2))
					}
					require.NoError(t, r.kv.Close())
				}
			})
		})
	}
}

// change does one thing to the batch.
func (r *rows) change(random *rand.Rand, what string) {
	t := r.t
	require.Equal(t, len(r.all), r.kv.Rows())
	switch random.IntN(6) {
	case 0: // rows go
		keep := random.Perm(len(r.all))[:1+random.IntN(len(r.all))]
		require.NoError(t, r.kv.Filter(r.th, keep...))
		r.all, r.seen = choose(r.all, keep), choose(r.seen, keep)
	case 1: // rows come
		if len(r.all) > 4 {
			return
		}
		other := newRows(t, r.th, what, random.IntN(3), random.IntN(5))
		for range random.IntN(3) {
			other.step(1 + random.IntN(9))
		}
		require.NoError(t, r.kv.Extend(r.th, other.kv))
		require.NoError(t, other.kv.Close())
		r.all, r.seen = append(r.all, other.all...), append(r.seen, other.seen...)
	case 2: // all apart, and together again
		var apart []*cache.Cache
		for i := range r.all {
			one, err := r.kv.Extract(r.th, i)
			require.NoError(t, err)
			require.Equal(t, max(0, r.seen[i]), one.Offset())
			alone := &rows{t, r.th, one, r.all[i : i+1], []int{max(0, r.seen[i])}}
			alone.step(1)
			r.seen[i] = alone.seen[0]
			apart = append(apart, one)
		}
		merged, err := cache.Merge(r.th, apart...)
		require.NoError(t, err)
		for _, c := range append(apart, r.kv) {
			require.NoError(t, c.Close())
		}
		r.kv = merged
	}
}

func choose[T any](all []T, which []int) (out []T) {
	for _, i := range which {
		out = append(out, all[i])
	}
	return out
}

func TestBatchRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		batch := newRows(t, th, "full", 1, 0)
		defer batch.kv.Close()
		batch.step(3)
		state := batch.kv.State()
		require.EqualError(t, batch.kv.Filter(th), "cache: a batch needs a row: close it instead")
		require.EqualError(t, batch.kv.Filter(th, 0, 2), "cache: there is no row 2 in a batch of 2")
		_, err := batch.kv.Extract(th, -1)
		require.EqualError(t, err, "cache: there is no row -1 in a batch of 2")
		_, err = cache.Merge(th)
		require.EqualError(t, err, "cache: nothing to merge")
		for want, other := range map[string]*cache.Cache{
			"1 layers and 2":  cache.New(th, []cache.Kind{cache.Full(), cache.Full()}),
			"different kinds": cache.New(th, []cache.Kind{cache.Sliding(3)}),
			"or forms":        cache.New(th, []cache.Kind{cache.Full()}, cache.WithBits(8, 64)),
			"maximum size":    cache.New(th, []cache.Kind{cache.Full()}, cache.WithMaxSize(-1)),
		} {
			require.ErrorContains(t, batch.kv.Extend(th, other), want)
			require.NoError(t, other.Close())
		}
		require.Equal(t, state, batch.kv.State())
		first := cache.New(th, []cache.Kind{cache.Full()}, cache.WithMaxSize(20))
		defer first.Close()
		_, err = cache.Merge(th, first, first)
		require.ErrorContains(t, err, "keep their first tokens")
		require.EqualError(t, cache.Check(cache.WithLeftPadding(0, -1)), "cache: the padding of row 1 is -1 tokens, want at least 0")
		wrong := newRows(t, th, "full", 0)
		defer wrong.kv.Close()
		fill(t, th, wrong.kv.Layers[0].(cache.KV), 3, 2, 16)
		require.Error(t, batch.kv.Extend(th, wrong.kv), "of another shape")
		require.Equal(t, state, batch.kv.State())
		batch.step(2)
	})
}

// Whichever operation of a change of rows fails, the batch is as it was.
func TestEveryOperationOfABatchMayFail(t *testing.T) {
	for what := range batchKinds {
		leaktest.Do(t, func(th *mlx.Thread) {
			r, other := newRows(t, th, what, 2, 0), newRows(t, th, what, 0)
			defer r.kv.Close()
			defer other.kv.Close()
			r.step(12)
			other.step(4)
			for name, change := range map[string]func() error{
				"filter": func() error { return r.kv.Filter(th, 1, 0) },
				"extend": func() error { return r.kv.Extend(th, other.kv) },
				"extract": func() error {
					one, err := r.kv.Extract(th, 0)
					if err == nil {
						err = one.Close()
					}
					return err
				},
			} {
				state, live := r.kv.State(), mlx.Live()
				for n := 1; ; n++ {
					boom := fmt.Errorf("operation %d", n)
					th.FailAt(n, boom)
					err := change()
					if err == nil {
						require.Greater(t, n, 2)
						break
					}
					require.ErrorIs(t, err, boom, name)
					require.Equal(t, state, r.kv.State())
					require.Equal(t, live, mlx.Live())
				}
				th.FailAt(0, nil)
				switch name {
				case "filter":
					r.all, r.seen = choose(r.all, []int{1, 0}), choose(r.seen, []int{1, 0})
				case "extend":
					r.all, r.seen = append(r.all, other.all...), append(r.seen, other.seen...)
				}
				r.step(1)
			}
		})
	}
}
