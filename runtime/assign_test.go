package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestAssignAppliesOnSuccess(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		cache := slice(t, th, []float32{1, 2})
		old := cache
		steps := 0
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			next := s.Add(cache, cache)
			s.Assign(&cache, next)
			s.OnSuccess(func() {
				require.NotEqual(t, old, cache, "Go state changes after the arrays")
				steps++
			})
			require.Equal(t, old, cache, "not before Build returns")
			return s.Add(next, cache)
		})
		require.Equal(t, 1, steps)
		require.Equal(t, []float32{3, 6}, read[float32](t, th, y))
		require.Equal(t, []float32{2, 4}, read[float32](t, th, cache))
	})
}

func TestAssignOfAnything(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{5})
		var a, b, c, d mlx.Array
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			z := s.Add(x, x)
			s.Assign(&a, z) // its own
			s.Assign(&b, z) // the same again
			s.Assign(&c, x) // an input
			s.Assign(&d, x) // twice to one destination: the last wins
			s.Assign(&d, z)
			s.Assign(&x, x) // to itself
			return z
		})
		for _, tt := range []struct {
			a    mlx.Array
			want float32
		}{{y, 10}, {a, 10}, {b, 10}, {c, 5}, {d, 10}, {x, 5}} {
			require.Equal(t, []float32{tt.want}, read[float32](t, th, tt.a))
		}
	})
}

func TestFailedBuildChangesNoDestination(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		cache := slice(t, th, []float32{1, 2})
		old, empty := cache, mlx.Array{}
		boom := errors.New("boom")
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			z := s.Add(cache, cache)
			s.Assign(&cache, z)
			s.Assign(&empty, cache)
			s.OnSuccess(func() { t.Error("it did not succeed") })
			s.Fail(boom)
			return z
		})
		require.ErrorIs(t, err, boom)
		require.Equal(t, old, cache)
		require.Equal(t, mlx.Array{}, empty)
		require.Equal(t, []float32{1, 2}, read[float32](t, th, cache))
	})
}

// TestAssignLetsMLXReuseMemory updates a cache in place, as a decode step does.
// MLX writes into the old buffer only when nobody else holds it at eval.
func TestAssignLetsMLXReuseMemory(t *testing.T) {
	const rows, width = 4096, 2048
	const size = rows * width * 4 // bytes
	peak := func(t *testing.T, th *mlx.Thread, cache *mlx.Array) uint64 {
		update := slice(t, th, make([]float32, width), 1, width)
		defer update.Close()
		require.NoError(t, th.ResetPeakMemory())
		for row := range 4 {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				s.Assign(cache, s.SliceUpdate(*cache, update, []int{row, 0}, []int{row + 1, width}, []int{1, 1}))
				return nil
			})
			require.NoError(t, err)
			require.NoError(t, th.Eval(*cache))
		}
		peak, err := th.PeakMemory()
		require.NoError(t, err)
		return peak
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		cache, err := th.Zeros(mlx.Float32, rows, width)
		require.NoError(t, err)
		require.NoError(t, th.Eval(cache))
		require.NoError(t, th.ClearCache())
		active, err := th.ActiveMemory()
		require.NoError(t, err)
		require.GreaterOrEqual(t, active, uint64(size))
		require.Less(t, peak(t, th, &cache), active+size/4)

		held := build(t, th, func(*mlx.Scope) mlx.Array { return cache })
		require.Greater(t, peak(t, th, &cache), active+size*3/4, "a second holder forces a copy, or this test shows nothing")
		require.NoError(t, held.Close())
		require.NoError(t, cache.Close())
	})
}
