package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Quantised latents are read as what they were quantised to: a plain cache that is
// given those says the same, in chunks and steps, whole and rotating.
func TestLatentQuantised(t *testing.T) {
	const heads, plain, turned, rank, value, length = 2, 5, 32, 64, 7, 20
	stored := func(s *mlx.Scope, x mlx.Array) mlx.Array {
		p := s.Quantize(x, mlx.SomeInt(32), mlx.SomeInt(4), "affine", mlx.Array{})
		return s.Dequantize(p[0], p[1], p[2], mlx.SomeInt(32), mlx.SomeInt(4), "affine", mlx.Array{}, mlx.OptionalDtype{})
	}
	kept := func(_ *mlx.Scope, x mlx.Array) mlx.Array { return x }
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("layers")
		defer owner.Close()
		m := &layers{nn.MultiLinear{Heads: heads}, nn.MultiLinear{Heads: heads}}
		made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			return []mlx.Array{
				mlx.Const(s, waves(heads*rank*plain, 0.3), heads, rank, plain), mlx.Const(s, waves(heads*value*rank, 1.9), heads, value, rank)}
		})
		require.NoError(t, err)
		w := nn.Arrays{Named: map[string]mlx.Array{"keys.weight": made[0], "values.weight": made[1]}}
		require.NoError(t, nn.Load(t.Context(), th, m, w, nn.Policy{Dtype: mlx.Float32}, owner))
		require.NoError(t, mlx.CloseAll(made...))
		attend := func(kv *cache.Cache, n int, as func(*mlx.Scope, mlx.Array) mlx.Array) []float32 {
			at := kv.Offset()
			out, err := th.Build(func(s *mlx.Scope) mlx.Array {
				tokens := func(step float64, heads, dim int) mlx.Array { // positions [at, at+n)
					all := mlx.Const(s, waves(heads*length*dim, step), 1, heads, length, dim)
					return s.Slice(all, []int{0, 0, at, 0}, []int{1, heads, at + n, dim}, []int{1, 1, 1, 1})
				}
				a := cache.Attention{Scale: 0.05, Latent: &cache.Latent{Query: tokens(1.1, heads, turned), Keys: &m.Keys, Values: &m.Values}}
				return kv.KV(s, 0).Attend(s, tokens(0.7, heads, plain), as(s, tokens(1.3, 1, rank)), as(s, tokens(2.9, 1, turned)), a)
			})
			require.NoError(t, err)
			defer out.Close()
			values, err := mlx.Values[float32](th, out)
			require.NoError(t, err)
			return values
		}
		for _, kind := range []cache.Kind{cache.Full(), cache.Sliding(6)} {
			packed, dense := cache.New(th, []cache.Kind{kind}, cache.WithBits(4, 32)), cache.New(th, []cache.Kind{kind})
			for _, n := range []int{5, 1, 1, 1, 6, 1} {
				require.InDeltaSlice(t, attend(dense, n, stored), attend(packed, n, kept), 2e-4)
			}
			require.Len(t, packed.State(), 6)
			require.NoError(t, packed.Close())
			require.NoError(t, dense.Close())
		}
	})
}
