package runtime_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// step is a number of columns that goes with the packing.
func (p packing) step() int {
	if p.mode == "affine" && p.scales == mlx.Uint8 {
		return 256
	}
	return 128
}

// plain are scales and biases that MLX knows.
func (m packed) plain() (scales, biases mlx.Array) {
	if m.known[0].IsNull() {
		return m.scales, m.biases
	}
	return m.known[0], m.known[1]
}

// compact draws scales of two levels, or without biases, and notes what they mean.
func (m *packed) compact(t *testing.T, th *mlx.Thread, r *rand.Rand, n, k int) {
	t.Helper()
	groups := k / m.group
	var scales, biases []float32
	if m.packing.scales == mlx.Uint8 {
		m.scales, scales = m.nested(t, th, r, n, k, 8-m.bits)
		m.biases, biases = m.nested(t, th, r, n, k, 7)
	} else {
		scales = make([]float32, n*groups)
		for i := range scales {
			scales[i] = (r.Float32() - 0.5) / float32(int(1)<<m.bits)
		}
		m.scales = halved(t, th, scales, m.packing.scales, n, groups)
		rounded := build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(m.scales, mlx.Float32) })
		scales = read[float32](t, th, rounded)
	}
	if m.centred {
		require.NoError(t, m.biases.Close())
		biases = make([]float32, len(scales))
		for i, s := range scales {
			biases[i] = -s * float32(int(1)<<(m.bits-1))
		}
	}
	m.known = [2]mlx.Array{slice(t, th, scales, n, groups), slice(t, th, biases, n, groups)}
}

// nested draws numbers of two levels, with float16 numbers of an exponent, 0 for
// the smallest ones, and what they mean.
func (m *packed) nested(t *testing.T, th *mlx.Thread, r *rand.Rand, n, k, exponent int) (mlx.Array, []float32) {
	t.Helper()
	var data []uint8
	var means []float32
	for range n * k / 256 {
		fraction, sign := r.IntN(1024), r.IntN(2)
		bits := sign<<15 | exponent<<10 | fraction
		data = append(data, uint8(bits), uint8(bits>>8))
		unit := math.Ldexp(float64(1024+fraction), exponent-25)
		if exponent == 0 {
			unit = math.Ldexp(float64(fraction), -24)
		}
		if sign == 1 {
			unit = -unit
		}
		for range 256 / m.group {
			data = append(data, uint8(r.IntN(256)))
			means = append(means, float32(unit*float64(int8(data[len(data)-1]))))
		}
	}
	return slice(t, th, data, n, len(data)/n), means
}

// The gradient of experts that MLX does not know is that of their numbers.
func TestCPUGatherGradientOfCompact(t *testing.T) {
	const e, n, k = 3, 7, 256
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(12, 12))
		for _, p := range []packing{{"affine", 6, 16, mlx.Uint8, true}, {"affine", 4, 32, mlx.Uint8, false}, {"affine", 3, 16, mlx.Float32, false}} {
			m, dense := p.experts(t, th, r, e, n, k)
			x, dy := slice(t, th, uniform(r, 4*k), 4, 1, k), slice(t, th, uniform(r, 4*n), 4, 1, n)
			indices := slice(t, th, []int32{2, 0, 2, 1}, 4)
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				_, got := mlx.VJP(s, func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return []mlx.Array{s.CPUGatherQuantizedMatmul(a[0], m.w, m.scales, m.biases, indices, m.group, m.bits, m.mode, true)}
				}, []mlx.Array{x}, []mlx.Array{dy})
				return []mlx.Array{s.Matmul(dy, s.TakeAxis(dense, indices, 0)), got[0]}
			})
			require.NoError(t, err, p)
			require.InDeltaSlice(t, read[float32](t, th, all[0]), read[float32](t, th, all[1]), 1e-4, "%v", p)
			require.NoError(t, mlx.CloseAll(x, dy, indices, dense))
			m.close(t)
		}
	})
}
