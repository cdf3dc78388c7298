package runtime_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// rounded is mul with rows rounded to 16 bits.
func (m packed) rounded(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, m.group, m.bits, m.mode, false)
}

// Rounded rows give the product within what a rounding of 1/65534 of each group's
// largest number moves it, for few rows and for many.
func TestCPUQuantizedMatmulRounded(t *testing.T) {
	for i, p := range packings() {
		t.Run(p.String(), func(t *testing.T) {
			withKernels(t, func(th *mlx.Thread) {
				r := rand.New(rand.NewPCG(6, uint64(i)))
				for j, rows := range []int{1, 2, 5, 11, 45} {
					k, n := p.step()*(1+r.IntN(3)), 1+r.IntN(30)
					m := p.pack(t, th, r, n, k)
					dtype := []mlx.Dtype{mlx.Float32, mlx.BFloat16, mlx.Float16}[j%3]
					x := halved(t, th, uniform(r, rows*k), dtype, rows, k)
					all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
						return []mlx.Array{s.AsType(m.rounded(s, x), mlx.Float32), s.AsType(x, mlx.Float32), m.dense(s)}
					})
					require.NoError(t, err)
					got, xs, w := read[float32](t, th, all[0]), read[float32](t, th, all[1]), read[float32](t, th, all[2])
					for row := range rows {
						requireRounded(t, got[row*n:(row+1)*n], xs[row*k:(row+1)*k], w, p.group, dtype)
					}
					require.NoError(t, x.Close())
					m.close(t)
				}
			})
		})
	}
}

// requireRounded requires that y is the product of w [n, k] and x, whose groups may
// have been rounded.
func requireRounded(t *testing.T, y, x, w []float32, group int, dtype mlx.Dtype) {
	t.Helper()
	k := len(x)
	for j := range y {
		var sum, size, moved float64
		for from := 0; from < k; from += group {
			var largest, weights float64
			for l := from; l < from+group; l++ {
				a, b := float64(x[l]), float64(w[j*k+l])
				sum, size = sum+a*b, size+math.Abs(a*b)
				largest, weights = max(largest, math.Abs(a)), weights+math.Abs(b)
			}
			moved += largest / 65534 * weights
		}
		require.InDelta(t, sum, y[j], roundoff(dtype)*math.Abs(sum)+4e-6*size+moved, "column %d", j)
	}
}
