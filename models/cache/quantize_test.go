package cache_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// quantisedKinds are layers and what their queries see.
var quantisedKinds = map[string]struct {
	kind cache.Kind
	opts []cache.Option
	sees func(l int) []int
}{
	"full":    {cache.Full(), nil, func(l int) []int { return upTo(0, l) }},
	"sliding": {cache.Sliding(6), nil, func(l int) []int { return upTo(max(0, l-5), l) }},
}

// A quantised layer attends over its numbers as MLX quantises them, of all widths
// and groups, also within a window, with soft caps and with sinks.
func TestQuantised(t *testing.T) {
	for what, c := range quantisedKinds {
		for _, f := range []struct{ bits, group int }{{8, 64}, {4, 64}, {8, 32}, {4, 32}, {6, 64}, {5, 64}, {3, 32}, {2, 128}} {
			t.Run(fmt.Sprint(what, f), func(t *testing.T) {
				leaktest.Do(t, func(th *mlx.Thread) {
					x := newSequence(2, 4, 2, 24, 128)
					for i := range 3 {
						x.softcap, x.sinks = 0, nil
						if i > 0 {
							x.softcap, x.sinks = 3, []float32{0.5, -1, 2, 0}
						}
						if i == 2 {
							x.softcap = 0
						}
						x.asStored(t, th, f.bits, f.group, c.sees)
						kv := cache.New(th, []cache.Kind{c.kind}, cache.WithBits(f.bits, f.group))
						for _, to := range []int{5, 6, 15, 16, 17, 24} {
							x.requireStep(t, th, kv.Layers[0], kv.Offset(), to)
						}
						require.Len(t, kv.State(), 6)
						require.NoError(t, kv.Close())
					}
				})
			})
		}
	}
}

// A running cache is quantised where it stands, full, in a ring or empty, and goes
// on from there; twice is once.
func TestQuantizeWhileRunning(t *testing.T) {
	for what, c := range quantisedKinds {
		for _, from := range []int{0, 4, 9, 300} {
			t.Run(fmt.Sprint(what, from), func(t *testing.T) {
				leaktest.Do(t, func(th *mlx.Thread) {
					x := newSequence(1, 2, 1, from+8, 64)
					kv := cache.New(th, []cache.Kind{c.kind})
					defer kv.Close()
					x.sees(c.sees)
					for at := 0; at < from; {
						n := min(from-at, max(1, from-at-3))
						x.requireStep(t, th, kv.Layers[0], at, at+n)
						at += n
					}
					require.NoError(t, kv.Quantize(th, 8, 32))
					require.NoError(t, kv.Quantize(th, 4, 64), "it is already")
					x.asStored(t, th, 8, 32, c.sees)
					x.requireStep(t, th, kv.Layers[0], from, from+1)
					x.requireStep(t, th, kv.Layers[0], from+1, from+5)
					x.requireStep(t, th, kv.Layers[0], from+5, from+6)
					require.Len(t, kv.State(), 6)
				})
			})
		}
	}
}

// The memory of 8 bits is little more than a quarter of that of 32.
func TestQuantisedTakesLessMemory(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		bytes := func(opts ...cache.Option) (total uint64) {
			kv := cache.New(th, []cache.Kind{cache.Full()}, opts...)
			defer kv.Close()
			fill(t, th, kv.Layers[0].(cache.KV), 2, 10, 64)
			sizes, err := kv.Sizes()
			require.NoError(t, err)
			return sizes.Bytes(1000)
		}
		require.EqualValues(t, 2*2*64*4*1000, bytes())
		require.EqualValues(t, 2*2*(64+8)*1000, bytes(cache.WithBits(8, 64)))
		require.EqualValues(t, 2*2*(32+16)*1000, bytes(cache.WithBits(4, 32)))
	})
}

func TestQuantisedRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for want, opts := range map[string][]cache.Option{
			"cache: 7 bits a number; 2, 3, 4, 5, 6 and 8 are known":                      {cache.WithBits(7, 64)},
			"cache: groups of 48 numbers; 32, 64 and 128 are known":                      {cache.WithBits(8, 48)},
			"cache: keys and values of 40 numbers are no whole groups of 64 to quantise": {cache.WithBits(8, 0)},
			"cache: the maximum size is -3 tokens, want at least 1":                      {cache.WithMaxSize(-3)},
		} {
			kv := cache.New(th, []cache.Kind{cache.Full()}, opts...)
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				x := s.Zeros([]int{1, 1, 1, 40}, mlx.Float32)
				kv.KV(s, 0).Attend(s, x, x, x, cache.Attention{Scale: 1})
				return nil
			})
			require.ErrorContains(t, err, want)
			require.Zero(t, kv.Offset())
			require.NoError(t, kv.Close())
		}
		kv := newCache(t, th, 2)
		defer kv.Close()
		require.Error(t, kv.Quantize(th, 9, 64))
		fill(t, th, kv.Layers[0].(cache.KV), 1, 3, 40)
		state := kv.State()
		require.ErrorContains(t, kv.Quantize(th, 8, 64), "40 numbers")
		require.Equal(t, state, kv.State())
		fill(t, th, kv.Layers[1].(cache.KV), 1, 3, 40)
	})
}
