package cache_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Whatever the chunks and steps, a query of a sliding layer sees the last window
// keys, and no more are kept than the window and what the chunk needs.
func TestSlidingSeesItsWindow(t *testing.T) {
	for _, window := range []int{1, 2, 5, 16, 300} {
		x, all := newSequence(2, 4, 2, 40, 8), [][]int{{1}, {3, 1}, {7}, {16, 1, 1}, {1, 1, 17}}
		if window == 300 {
			x, all = newSequence(1, 1, 1, 380, 4), [][]int{{256, 1, 1, 1}, {290, 1}, {250, 90, 1}}
		}
		x.sees(func(l int) []int { return upTo(max(0, l-window+1), l) })
		for _, chunks := range all {
			t.Run(fmt.Sprint(window, chunks), func(t *testing.T) {
				leaktest.Do(t, func(th *mlx.Thread) {
					kv := cache.New(th, []cache.Kind{cache.Sliding(window)})
					defer kv.Close()
					for from, i := 0, 0; from < x.length; i++ {
						n := min(chunks[i%len(chunks)], x.length-from)
						x.requireStep(t, th, kv.Layers[0], from, from+n)
						from += n
						for _, a := range kv.State() {
							require.LessOrEqual(t, shapeOf(t, a)[2], window-1+n)
						}
					}
				})
			})
		}
	}
}

// ring is what mlx-lm's RotatingKVCache keeps, by position: the first few and the
// last ones, of which a query of a chunk sees the last size.
type ring struct {
	size, keep int
	kept       []int
}

func (r *ring) drop(n int) {
	if over := len(r.kept) - n; over > 0 {
		r.kept = slices.Delete(r.kept, r.keep, r.keep+over)
	}
}

// step adds the positions [from, to) and tells what each of the queries sees.
func (r *ring) step(x *sequence, from, to int) {
	if to-from > 1 {
		r.drop(r.size - 1)
	}
	r.kept = append(r.kept, upTo(from, to-1)...)
	if to-from == 1 {
		r.drop(r.size)
	}
	for l := from; l < to; l++ {
		seen := r.kept[:len(r.kept)-(to-1-l)]
		x.seesAt(l, seen[max(0, len(seen)-r.size):])
	}
}

// A full layer of bounded size sees its first tokens and the last ones, through any
// chunks, steps and trims.
func TestMaxSizeKeepsTheFirstTokens(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 2, 4, 5, 7, 12, 260} {
		for range 6 {
			x := newSequence(1, 2, 1, 60, 4)
			if size == 260 {
				x = newSequence(1, 1, 1, 420, 4)
			}
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := cache.New(th, []cache.Kind{cache.Full()}, cache.WithMaxSize(size))
				defer kv.Close()
				r := ring{size: size, keep: min(4, size-1)}
				for from := 0; from < x.length; {
					n := min(1, x.length-from)
					if random.IntN(4) == 0 {
						n = min(1+random.IntN(size+6), x.length-from)
					}
					r.step(x, from, from+n)
					x.requireStep(t, th, kv.Layers[0], from, from+n)
					from += n
					if back := min(from, random.IntN(4)); random.IntN(3) == 0 && back > 0 {
						if err := kv.Trim(back); len(r.kept) == from {
							require.NoError(t, err)
							r.kept, from = r.kept[:from-back], from-back
						} else {
							require.ErrorContains(t, err, "older ones were overwritten")
						}
						require.Equal(t, from, kv.Offset())
					}
				}
			})
		}
	}
}

// When one layer cannot be trimmed, none is; positions go on growing.
func TestTrimOfAllLayersOrNone(t *testing.T) {
	x := newSequence(1, 1, 1, 20, 4)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(8), cache.Full()})
		defer kv.Close()
		run := func(from, to int) {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				for i := range kv.Layers {
					q, k, v := x.inputs(s, from, to)
					kv.KV(s, i).Attend(s, q, k, v, cache.Attention{Scale: scale})
				}
				return nil
			})
			require.NoError(t, err)
		}
		run(0, 8)
		require.NoError(t, kv.Trim(3))
		for from := 5; from < 9; from++ {
			run(from, from+1)
		}
		require.EqualError(t, kv.Trim(1), "cache: cannot trim 1 tokens of a cache of size 8 that has seen 9: older ones were overwritten")
		require.EqualError(t, kv.Trim(10), "cache: cannot trim 10 of 9 tokens")
		for _, l := range kv.Layers {
			require.Equal(t, 9, l.Offset())
			require.Equal(t, 9, l.(cache.KV).Position().Offset)
		}
		require.NoError(t, kv.Trim(0))
	})
}

// The queries of a pass without a cache see the window and no more, whatever the
// size that was asked for.
func TestUncachedOfSlidingLayers(t *testing.T) {
	x := newSequence(2, 2, 1, 20, 4)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(6)}, cache.WithMaxSize(3))
		defer kv.Close()
		u := kv.Uncached()
		x.requireAttend(t, th, u.Layers[0], 0, 20)
		x.sees(func(l int) []int { return upTo(max(0, l-5), l) }).requireAttend(t, th, u.Layers[1], 0, 20)
	})
}
