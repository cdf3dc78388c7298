package nn_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// compute runs fn and returns its numbers.
func compute(t *testing.T, th *mlx.Thread, fn func(s *mlx.Scope) mlx.Array) []float32 {
	t.Helper()
	a, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.AsType(fn(s), mlx.Float32) })
	require.NoError(t, err)
	values, err := mlx.Values[float32](th, a)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	return values
}

// Add is a sum and its norm, of a step as of a whole sequence; that of a Gemma, whose
// weight is stored less 1, and that of float16 are theirs.
func TestRMSNormAdd(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for _, shape := range [][]int{{2, 3}, {1, 2, 3}} {
			for _, zero := range []bool{false, true} {
				n, owner := &nn.RMSNorm{Dims: 3, Eps: 1e-6, Zero: zero}, th.NewOwner("norm")
				require.NoError(t, nn.Init(th, n, 1, owner))
				x, r := []float32{1, -2, 3, 4, 5, -6}, []float32{1, 4, -1, 0, -5, 2}
				for i, want := range [][]float32{{2, 2, 2, 4, 0, -4}, {1, 1, 1, 1.2247449, 0, -1.2247449}} {
					for _, add := range []func(*mlx.Scope, mlx.Array, mlx.Array) (mlx.Array, mlx.Array){n.Add, n.AddClipped} {
						got := compute(t, th, func(s *mlx.Scope) mlx.Array {
							sum, normed := add(s, mlx.Const(s, x, shape...), mlx.Const(s, r, shape...))
							return []mlx.Array{sum, normed}[i]
						})
						require.InDeltaSlice(t, want, got, 1e-5, "%v %v %d", shape, zero, i)
					}
				}
				over := compute(t, th, func(s *mlx.Scope) mlx.Array {
					x := s.AsType(mlx.Const(s, []float32{60000, 1, 2}, 1, 3), mlx.Float16)
					sum, _ := n.AddClipped(s, x, x)
					return sum
				})
				require.Equal(t, []float32{65504, 2, 4}, over)
				require.NoError(t, owner.Close())
			}
		}
	})
}

// A sum of float16 stays finite, and exact below the bound; those of other types
// are plain sums.
func TestAddClipped(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for dtype, want := range map[mlx.Dtype][]float32{
			mlx.Float16: {65504, -65504, 3},
			mlx.Float32: {120000, -120000, 3},
		} {
			sum := compute(t, th, func(s *mlx.Scope) mlx.Array {
				x := s.AsType(mlx.Const(s, []float32{60000, -60000, 1}, 3), dtype)
				y := s.AsType(mlx.Const(s, []float32{60000, -60000, 2}, 3), dtype)
				return nn.AddClipped(s, x, y)
			})
			require.Equal(t, want, sum, "%v", dtype)
		}
	})
}

func TestSoftcap(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := []float32{-1000, -30, 0, 1, 30}
		for _, limit := range []float32{0, 30} {
			have := compute(t, th, func(s *mlx.Scope) mlx.Array { return nn.Softcap(s, mlx.Const(s, x, 5), limit) })
			for i, v := range x {
				want := float64(v)
				if limit != 0 {
					want = float64(limit) * math.Tanh(want/float64(limit))
				}
				require.InDelta(t, want, have[i], 1e-5)
			}
		}
	})
}
