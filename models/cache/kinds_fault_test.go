package cache_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// keptKinds are the ways in which a layer keeps what it has to.
var keptKinds = map[string]func(th *mlx.Thread) *cache.Cache{
	"sliding":   func(th *mlx.Thread) *cache.Cache { return cache.New(th, []cache.Kind{cache.Sliding(8)}) },
	"bounded":   func(th *mlx.Thread) *cache.Cache { return cache.New(th, full, cache.WithMaxSize(8)) },
	"quantised": func(th *mlx.Thread) *cache.Cache { return cache.New(th, full, cache.WithBits(8, 32)) },
	"bounded, quantised": func(th *mlx.Thread) *cache.Cache {
		return cache.New(th, full, cache.WithMaxSize(8), cache.WithBits(4, 32))
	},
	"padded": func(th *mlx.Thread) *cache.Cache { return cache.New(th, full, cache.WithLeftPadding(3)) },
	"padded, sliding": func(th *mlx.Thread) *cache.Cache {
		return cache.New(th, []cache.Kind{cache.Sliding(8)}, cache.WithLeftPadding(3))
	},
}

var full = []cache.Kind{cache.Full()}

// Whichever operation of Attend fails, and when all succeed and the Build fails, a
// layer of any kind is as it was: empty, growing, full, turned, after a chunk.
func TestEveryOperationOfEveryKindMayFail(t *testing.T) {
	x := newSequence(1, 2, 2, 64, 32)
	for _, what := range slices.Sorted(maps.Keys(keptKinds)) {
		leaktest.Do(t, func(th *mlx.Thread) {
			for _, have := range [][]int{{}, {3}, {8}, {12}, {6, 1, 1, 1, 1}, {9, 5}} {
				for _, more := range []int{1, 4} {
					kv := keptKinds[what](th)
					twin := keptKinds[what](th)
					for _, n := range have {
						attendAll(t, th, x, kv, n)
						attendAll(t, th, x, twin, n)
					}
					offset, state, live := kv.Offset(), kv.State(), mlx.Live()
					boom := errors.New("the Build fails")
					require.ErrorIs(t, tryAttend(th, x, kv, more, boom), boom)
					for n := 1; ; n++ {
						boom := fmt.Errorf("operation %d", n)
						th.FailAt(n, boom)
						err := tryAttend(th, x, kv, more, nil)
						if err == nil { // there are fewer than n operations
							require.Greater(t, n, 5)
							break
						}
						require.ErrorIs(t, err, boom)
						require.Equal(t, offset, kv.Offset())
						require.Equal(t, state, kv.State())
						require.Equal(t, live, mlx.Live())
					}
					th.FailAt(0, nil)
					attendAll(t, th, x, twin, more)
					require.Equal(t, attendAll(t, th, x, twin, 2), attendAll(t, th, x, kv, 2), "%s after %v", what, have)
					require.NoError(t, kv.Close())
					require.NoError(t, twin.Close())
				}
			}
		})
	}
}

// tryAttend builds the attention of the next tokens, and fails if it is to.
func tryAttend(th *mlx.Thread, x *sequence, kv *cache.Cache, n int, fail error) error {
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		q, k, v := x.inputs(s, kv.Offset(), kv.Offset()+n)
		out := kv.KV(s, 0).Attend(s, q, k, v, cache.Attention{Scale: scale})
		s.Fail(fail)
		return out
	})
	return errors.Join(err, out.Close())
}

// attendAll is the attention of the next tokens.
func attendAll(t *testing.T, th *mlx.Thread, x *sequence, kv *cache.Cache, n int) []float32 {
	t.Helper()
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		q, k, v := x.inputs(s, kv.Offset(), kv.Offset()+n)
		return kv.KV(s, 0).Attend(s, q, k, v, cache.Attention{Scale: scale})
	})
	require.NoError(t, err)
	defer out.Close()
	values, err := mlx.Values[float32](th, out)
	require.NoError(t, err)
	return values
}

// Whichever operation of a conversion fails, the cache is plain as it was.
func TestEveryOperationOfQuantizeMayFail(t *testing.T) {
	x := newSequence(1, 2, 2, 40, 32)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(8)})
		defer kv.Close()
		for _, l := range kv.Layers {
			for range 12 {
				_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					q, k, v := x.inputs(s, l.Offset(), l.Offset()+1)
					l.(cache.KV).Attend(s, q, k, v, cache.Attention{Scale: scale})
					return nil
				})
				require.NoError(t, err)
			}
		}
		state, live := kv.State(), mlx.Live()
		for n := 1; ; n++ {
			boom := fmt.Errorf("operation %d", n)
			th.FailAt(n, boom)
			err := kv.Quantize(th, 8, 32)
			if err == nil {
				require.Greater(t, n, 4)
				break
			}
			require.ErrorIs(t, err, boom)
			require.Equal(t, state, kv.State())
			require.Equal(t, live, mlx.Live())
		}
		th.FailAt(0, nil)
		require.Len(t, kv.State(), 12)
	})
}
