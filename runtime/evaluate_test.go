package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// twice is x [N, N] after so many products with twice the identity.
func twice(s *mlx.Scope, x mlx.Array, times int) mlx.Array {
	two := s.Multiply(s.Eye(s.Dim(x, 0), s.Dim(x, 0), 0, mlx.Float32), s.Scalar(2, mlx.Float32))
	for range times {
		x = s.Matmul(x, two)
	}
	return x
}

func alike(n int, v float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// An array that the way to another leads through is computed before it is read,
// although nobody asked for it by name.
func TestAsyncEvalOfWhatComesAfter(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for range 10 {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				middle := twice(s, s.Ones([]int{384, 384}, mlx.Float32), 6)
				return []mlx.Array{middle, twice(s, middle, 6)}
			})
			require.NoError(t, err)
			require.NoError(t, th.AsyncEval(all[1]))
			require.Equal(t, alike(384*384, 1<<6), read[float32](t, th, all[0]))
			require.Equal(t, alike(384*384, 1<<12), read[float32](t, th, all[1]))
		}
	})
}

// Graphs over several streams, and what one is still computing for another.
func TestEvalOverStreams(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		other, err := th.NewStream()
		require.NoError(t, err)
		there := func(times int, x mlx.Array) mlx.Array {
			return build(t, th, func(s *mlx.Scope) mlx.Array {
				return s.On(other, func(s *mlx.Scope) mlx.Array { return twice(s, x, times) })
			})
		}
		x := slice(t, th, alike(256*256, 1), 256, 256)
		first := there(5, x)
		require.NoError(t, th.AsyncEval(first))
		here := build(t, th, func(s *mlx.Scope) mlx.Array { return twice(s, first, 1) })
		require.NoError(t, th.AsyncEval(here))
		again := there(2, here)
		require.Equal(t, alike(256*256, 1<<6), read[float32](t, th, here))
		require.Equal(t, alike(256*256, 1<<8), read[float32](t, th, again))
		require.NoError(t, mlx.CloseAll(x, first))
		require.NoError(t, other.Close())
	})
}

// More nodes than the thread runs ahead by, siblings among them, some of them nobody's.
func TestEvalOfManyNodes(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			x := s.Ones([]int{64, 2}, mlx.Float32)
			for range 300 {
				parts := s.Split(x, 2, 1)
				x = s.ConcatenateAxis([]mlx.Array{s.Add(parts[0], s.Scalar(1, mlx.Float32)), parts[0]}, 1)
			}
			return x
		})
		require.NoError(t, th.Eval(y))
		want := make([]float32, 128)
		for i := range want {
			want[i] = float32(301 - i%2)
		}
		require.Equal(t, want, read[float32](t, th, y))
	})
}
