package cache_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A sequence in any chunks gives the attention of the whole one, for one and for
// several sequences, with as many heads of keys as of queries and with fewer. The
// buffers have the capacities of mlx_lm.models.cache.KVCache, whole steps of 256
// on top of what is there, but for a step more where a pass would leave no room.
func TestAttendAcrossGrowth(t *testing.T) {
	for _, shape := range []struct{ batch, heads, kvHeads int }{{1, 2, 2}, {1, 4, 1}, {3, 4, 2}} {
		x := newSequence(shape.batch, shape.heads, shape.kvHeads, 530, 8)
		for _, c := range []struct{ chunks, capacities []int }{
			{[]int{1, 1, 1}, []int{256, 256, 256}},
			{[]int{255, 1, 1, 1}, []int{256, 256, 512, 512}},
			{[]int{256, 1, 255, 1}, []int{512, 512, 512, 768}},
			{[]int{512, 1}, []int{768, 768}},
			{[]int{257, 1}, []int{512, 512}},
			{[]int{250, 10, 246, 1}, []int{256, 506, 506, 762}},
			{[]int{100, 300, 1, 100, 1}, []int{256, 612, 612, 612, 612}},
			{[]int{530}, []int{768}},
		} {
			t.Run(fmt.Sprint(shape, c.chunks), func(t *testing.T) {
				leaktest.Do(t, func(th *mlx.Thread) {
					kv := newCache(t, th, 1)
					defer kv.Close()
					from := 0
					for i, n := range c.chunks {
						x.requireStep(t, th, kv.Layers[0], from, from+n)
						from += n
						require.Equal(t, from, kv.Offset())
						for _, a := range kv.State() {
							require.Equal(t, []int{shape.batch, shape.kvHeads, c.capacities[i], 8}, shapeOf(t, a))
						}
					}
				})
			})
		}
	}
}

// State is what there is to evaluate: nothing at first, then keys and values of
// every layer, in order, with the tokens in front and zeros behind.
func TestState(t *testing.T) {
	x := newSequence(1, 1, 1, 3, 4)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := newCache(t, th, 2)
		defer kv.Close()
		require.Empty(t, kv.State())
		x.requireStep(t, th, kv.Layers[0], 0, 3)
		require.Len(t, kv.State(), 2)
		x.requireStep(t, th, kv.Layers[1], 0, 2)
		state := kv.State()
		require.Len(t, state, 4)
		for i, want := range [][]float32{x.k, x.v, x.k[:8], x.v[:8]} {
			have, err := mlx.Values[float32](th, state[i])
			require.NoError(t, err)
			require.Equal(t, append(want[:len(want):len(want)], make([]float32, 256*4-len(want))...), have)
		}
	})
}

// What was trimmed is forgotten: the tokens that follow see what is left.
func TestTrim(t *testing.T) {
	x, other := newSequence(2, 2, 1, 300, 8), newSequence(2, 2, 1, 300, 8)
	for i := range other.k {
		other.k[i], other.v[i] = -other.v[i], 3*other.k[i]
	}
	for _, c := range []struct{ have, trim int }{{5, 0}, {5, 2}, {5, 5}, {256, 1}, {257, 2}, {300, 100}, {300, 300}} {
		leaktest.Do(t, func(th *mlx.Thread) {
			kv := newCache(t, th, 1)
			defer kv.Close()
			left := c.have - c.trim
			if left > 0 {
				x.requireStep(t, th, kv.Layers[0], 0, left)
			}
			if c.trim > 0 {
				_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					q, k, v := other.inputs(s, left, c.have)
					kv.KV(s, 0).Attend(s, q, k, v, cache.Attention{Scale: scale})
					return nil
				})
				require.NoError(t, err)
			}
			require.NoError(t, kv.Trim(c.trim))
			require.Equal(t, left, kv.Offset())
			for from := left; from < min(left+3, 300); from++ {
				x.requireStep(t, th, kv.Layers[0], from, from+1)
			}
		})
	}
}

func TestTrimRefuses(t *testing.T) {
	x := newSequence(1, 1, 1, 4, 4)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := newCache(t, th, 2)
		defer kv.Close()
		require.NoError(t, kv.Trim(0))
		require.EqualError(t, kv.Trim(1), "cache: cannot trim 1 of 0 tokens")
		for _, l := range kv.Layers {
			x.requireStep(t, th, l, 0, 3)
		}
		for _, c := range []struct {
			n    int
			want string
		}{{4, "cache: cannot trim 4 of 3 tokens"}, {-1, "cache: cannot trim -1 of 3 tokens"}} {
			require.EqualError(t, kv.Trim(c.n), c.want)
			require.EqualError(t, kv.Layers[1].Trim(c.n), c.want)
			for _, l := range kv.Layers {
				require.Equal(t, 3, l.Offset())
			}
		}
	})
}

// A cache has the layers it was asked for, and one without any is empty.
func TestNew(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(8), cache.Full()})
		require.Len(t, kv.Layers, 3)
		require.Equal(t, 0, kv.Offset())
		require.NoError(t, kv.Close())
		require.NoError(t, kv.Close(), "a second Close does nothing")

		none := cache.New(th, nil)
		require.Equal(t, 0, none.Offset())
		require.Empty(t, none.State())
		require.NoError(t, none.Trim(0))
		require.Error(t, none.Trim(1))
		require.NoError(t, none.Close())
	})
}

// Close frees what is stored, from any goroutine, also what is still being
// computed.
func TestCloseFreesEverything(t *testing.T) {
	x := newSequence(2, 2, 2, 10, 8)
	var kv *cache.Cache
	leaktest.Do(t, func(th *mlx.Thread) {
		before := mlx.Live()
		kv = newCache(t, th, 4)
		for _, l := range kv.Layers {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				q, k, v := x.inputs(s, 0, 10)
				l.(cache.KV).Attend(s, q, k, v, cache.Attention{Scale: scale})
				return nil
			})
			require.NoError(t, err)
		}
		require.NoError(t, th.AsyncEval(kv.State()...))
		require.Equal(t, before["Array"]+8, mlx.Live()["Array"])
	})
	require.NoError(t, kv.Close())
}

// A maximum size narrows what every layer attends to; one that is none fails
// whoever attends, and everything else still works.
func TestWithMaxSize(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		attend := func(opts ...cache.Option) (float32, error) { // the mean of the values 0 to 9 that the last query sees
			kv := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(4)}, opts...)
			defer kv.Close()
			out, err := th.Build(func(s *mlx.Scope) mlx.Array {
				zero := s.Zeros([]int{1, 1, 10, 8}, mlx.Float32)
				v := s.BroadcastTo(s.Reshape(s.Arange(0, 10, 1, mlx.Float32), 1, 1, 10, 1), 1, 1, 10, 8)
				sum := s.Add(kv.KV(s, 0).Attend(s, zero, zero, v, cache.Attention{Scale: 1}), kv.KV(s, 1).Attend(s, zero, zero, v, cache.Attention{Scale: 1}))
				return s.Slice(sum, []int{0, 0, 9, 0}, []int{1, 1, 10, 1}, []int{1, 1, 1, 1})
			})
			if err != nil {
				return 0, err
			}
			defer out.Close()
			return mlx.Item[float32](th, out)
		}
		for size, want := range map[int]float32{0: 4.5 + 7.5, 6: 6.5 + 7.5, 3: 8 + 8, 1: 9 + 9} {
			have, err := attend(cache.WithMaxSize(size))
			require.NoError(t, err)
			require.InDelta(t, want, have, 1e-5, "size %d", size)
		}
		const refused = "cache: the maximum size is -1 tokens, want at least 1"
		_, err := attend(cache.WithMaxSize(-1))
		require.ErrorContains(t, err, refused)
		require.EqualError(t, cache.Check(cache.WithMaxSize(-1)), refused)
		require.NoError(t, cache.Check(cache.WithMaxSize(1)))
	})
}
