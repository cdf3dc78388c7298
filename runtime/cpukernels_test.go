package runtime_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// withKernels is leaktest.Do on a CPU, which our own kernels are for.
func withKernels(t *testing.T, f func(th *mlx.Thread)) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		device, err := th.Device()
		require.NoError(t, err)
		if device.Type != mlx.CPU || os.Getenv("GO_MLX_CPU_KERNELS") == "0" {
			t.Skip("runs on a CPU, with our own kernels")
		}
		require.True(t, th.CPUKernels(), "libgomlx is loaded")
		f(th)
	})
}

// packing is one way to pack a matrix, with the dtype of its scales.
type packing struct {
	mode        string
	bits, group int
	scales      mlx.Dtype // uint8 in affine: of two levels
	centred     bool      // affine without biases
}

func (p packing) String() string {
	name := fmt.Sprintf("%s-%d-%d-%v", p.mode, p.bits, p.group, p.scales)
	if p.centred {
		name += "-centred"
	}
	return name
}

// packings are those of MLX, groups of 16, and those of GGUF's types: Q2_K to Q6_K, IQ4_XS,
// Q4_0, Q5_0 and Q8_0.
func packings() (all []packing) {
	for _, bits := range []int{2, 3, 4, 5, 6, 8} {
		for _, group := range []int{16, 32, 64, 128} {
			dtype := []mlx.Dtype{mlx.Float32, mlx.BFloat16, mlx.Float16}[(bits+group/16)%3]
			all = append(all, packing{"affine", bits, group, dtype, false})
		}
	}
	for _, bits := range []int{4, 5, 8} {
		all = append(all, packing{"affine", bits, 32, mlx.Float16, true})
	}
	all = append(all, packing{"affine", 2, 16, mlx.Uint8, false}, packing{"affine", 3, 16, mlx.Uint8, true}, packing{"affine", 4, 32, mlx.Uint8, false},
		packing{"affine", 5, 32, mlx.Uint8, false}, packing{"affine", 6, 16, mlx.Uint8, true}, packing{"affine", 8, 32, mlx.Uint8, true})
	return append(all, packing{"mxfp4", 4, 32, mlx.Uint8, false}, packing{"mxfp8", 8, 32, mlx.Uint8, false}, packing{"nvfp4", 4, 16, mlx.Uint8, false})
}

// packed is a random matrix [n, k].
type packed struct {
	packing
	w, scales, biases mlx.Array
	known             [2]mlx.Array // of affine: scales and biases as float32, where they are in another form
}

// pack draws the words and scales themselves, so that every packing can be had.
func (p packing) pack(t *testing.T, th *mlx.Thread, r *rand.Rand, n, k int) packed {
	t.Helper()
	words := make([]uint32, n*k*p.bits/32)
	for i := range words {
		words[i] = r.Uint32()
		if p.mode == "mxfp8" {
			words[i] &^= 0x40404040 // no NaN among the elements
		}
	}
	m := packed{packing: p, w: slice(t, th, words, n, k*p.bits/32)}
	groups := n * k / p.group
	if p.mode != "affine" {
		scales := make([]uint8, groups)
		for i := range scales {
			scales[i] = uint8(120 + r.IntN(7)) // 2^-7 to 2^-1
			if p.mode == "nvfp4" {
				scales[i] = uint8(16 + r.IntN(32))
			}
		}
		m.scales = slice(t, th, scales, n, k/p.group)
		return m
	}
	if p.scales == mlx.Uint8 || p.centred {
		m.compact(t, th, r, n, k)
		return m
	}
	scales, biases := make([]float32, groups), make([]float32, groups)
	for i := range scales {
		scales[i], biases[i] = (r.Float32()-0.5)/float32(int(1)<<p.bits), r.Float32()-0.5
	}
	m.scales = halved(t, th, scales, p.scales, n, k/p.group)
	m.biases = halved(t, th, biases, p.scales, n, k/p.group)
	return m
}

func (m *packed) close(t *testing.T) {
	t.Helper()
	require.NoError(t, mlx.CloseAll(m.w, m.scales, m.biases, m.known[0], m.known[1]))
}

// halved is an array of a dtype that need not be float32.
func halved(t *testing.T, th *mlx.Thread, data []float32, dtype mlx.Dtype, shape ...int) mlx.Array {
	t.Helper()
	a := slice(t, th, data, shape...)
	b := build(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(a, dtype) })
	require.NoError(t, th.Eval(b))
	require.NoError(t, a.Close())
	return b
}

func uniform(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32()*2 - 1
	}
	return out
}

// dense is the matrix in float32: MLX's Dequantize, and for groups that it does not
// know its formula, w = scale*q + bias, over words unpacked by shifts.
func (m packed) dense(s *mlx.Scope) mlx.Array {
	scales, biases := m.plain()
	if m.mode == "affine" {
		scales, biases = s.AsType(scales, mlx.Float32), s.AsType(biases, mlx.Float32)
		if m.group == 16 { // two groups of 16 are one of 32 with other scales for each half
			q := s.Dequantize(m.w, s.OnesLike(s.Slice(scales, []int{0, 0}, s.Shape(scales), []int{1, 2})), s.ZerosLike(s.Slice(scales, []int{0, 0}, s.Shape(scales), []int{1, 2})),
				mlx.SomeInt(32), mlx.SomeInt(m.bits), "affine", mlx.Array{}, mlx.SomeDtype(mlx.Float32))
			q = s.Unflatten(q, -1, s.Dim(scales, 1), 16)
			return s.Flatten(s.Add(s.Multiply(q, s.ExpandDims(scales, -1)), s.ExpandDims(biases, -1)), -2, -1)
		}
	}
	return s.Dequantize(m.w, scales, biases, mlx.SomeInt(m.group), mlx.SomeInt(m.bits), m.mode, mlx.Array{}, mlx.SomeDtype(mlx.Float32))
}

func (m packed) mul(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, m.group, m.bits, m.mode, true)
}

// roundoff is how far a result of a dtype may lie from the exact one of size 1.
func roundoff(d mlx.Dtype) float64 {
	switch d {
	case mlx.BFloat16:
		return 1.0 / 256
	case mlx.Float16:
		return 1.0 / 2048
	}
	return 1e-6
}

// requireProduct requires that got is x times the transpose of w, both float32: by
// float64, within the rounding of y's dtype and of a float32 sum.
func requireProduct(t *testing.T, got, x, w []float32, k int, dtype mlx.Dtype) {
	t.Helper()
	n := len(w) / k
	require.Len(t, got, len(x)/k*n)
	for i := range len(x) / k {
		for j := range n {
			var sum, size float64
			for l := range k {
				p := float64(x[i*k+l]) * float64(w[j*k+l])
				sum, size = sum+p, size+math.Abs(p)
			}
			require.InDelta(t, sum, got[i*n+j], roundoff(dtype)*math.Abs(sum)+4e-6*size, "row %d, column %d", i, j)
		}
	}
}

// product computes the product and reads it with its factors.
func product(t *testing.T, th *mlx.Thread, x mlx.Array, m packed) (y, xs, w []float32) {
	t.Helper()
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		y := m.mul(s, x)
		require.Equal(t, s.DtypeOf(x), s.DtypeOf(y))
		return []mlx.Array{s.AsType(y, mlx.Float32), s.AsType(x, mlx.Float32), m.dense(s)}
	})
	require.NoError(t, err)
	return read[float32](t, th, all[0]), read[float32](t, th, all[1]), read[float32](t, th, all[2])
}

// Every packing, with rows from a vector's to a tile's, odd numbers of outputs and
// every dtype of activations.
func TestCPUQuantizedMatmul(t *testing.T) {
	for i, p := range packings() {
		t.Run(p.String(), func(t *testing.T) {
			withKernels(t, func(th *mlx.Thread) {
				r := rand.New(rand.NewPCG(1, uint64(i)))
				for j, rows := range []int{1, 2, 3, 7, 16, 17, 33} {
					k, n := p.step()*(1+r.IntN(3)), 1+r.IntN(70)
					m := p.pack(t, th, r, n, k)
					dtype := []mlx.Dtype{mlx.Float32, mlx.BFloat16, mlx.Float16}[j%3]
					x := halved(t, th, uniform(r, rows*k), dtype, rows, k)
					y, xs, w := product(t, th, x, m)
					requireProduct(t, y, xs, w, k, dtype)
					require.NoError(t, x.Close())
					m.close(t)
				}
			})
		})
	}
}

// rowsView is an array that does not lie as it is read.
type rowsView struct {
	name string
	make func(s *mlx.Scope, base mlx.Array) mlx.Array // of [6, 4, 256]
}

func rowsViews(k int) []rowsView {
	whole := func(s *mlx.Scope, x mlx.Array) mlx.Array {
		return s.Slice(x, []int{0, 0, 0}, []int{6, 4, k}, []int{1, 1, 1})
	}
	return []rowsView{
		{"columns", whole},
		{"columns after others", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Slice(x, []int{1, 0, 256 - k}, []int{6, 4, 256}, []int{1, 1, 1})
		}},
		{"every second row", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Slice(whole(s, x), []int{0, 1, 0}, []int{6, 4, k}, []int{1, 2, 1})
		}},
		{"backwards", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Slice(whole(s, x), []int{5, 0, 0}, []int{-7, 4, k}, []int{-1, 1, 1})
		}},
		{"every second value", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Slice(x, []int{0, 0, 0}, []int{6, 4, 2 * min(k, 128)}, []int{1, 1, 2})
		}},
		{"heads and positions swapped", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.SwapAxes(whole(s, x), 0, 1) }},
		{"transposed", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.SwapAxes(s.Reshape(s.Slice(x, []int{0, 0, 0}, []int{4, 4, k}, []int{1, 1, 1}), k, 16), 0, 1)
		}},
		{"one row many times", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.BroadcastTo(s.Slice(x, []int{2, 1, 0}, []int{3, 2, k}, []int{1, 1, 1}), 5, 3, k)
		}},
		{"a vector", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Flatten(s.Slice(x, []int{3, 2, 0}, []int{4, 3, k}, []int{1, 1, 1}), 0, -1)
		}},
		{"five dimensions", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Reshape(s.SwapAxes(whole(s, x), 0, 1), 2, 2, 3, 2, k)
		}},
		{"no rows", func(s *mlx.Scope, x mlx.Array) mlx.Array {
			return s.Slice(whole(s, x), []int{2, 0, 0}, []int{2, 4, k}, []int{1, 1, 1})
		}},
	}
}

func TestCPUQuantizedMatmulOfViews(t *testing.T) {
	const k = 128
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(2, 2))
		m := packing{"affine", 4, 32, mlx.Float32, false}.pack(t, th, r, 9, k)
		base := slice(t, th, uniform(r, 6*4*256), 6, 4, 256)
		for _, v := range rowsViews(k) {
			x := build(t, th, func(s *mlx.Scope) mlx.Array { return v.make(s, base) })
			y, xs, w := product(t, th, x, m)
			requireProduct(t, y, xs, w, k, mlx.Float32)
			require.NoError(t, x.Close())
		}
		require.NoError(t, base.Close())
		m.close(t)
	})
}

// The matrix may be a part of one, or lie otherwise than it is read.
func TestCPUQuantizedMatmulOfViewedWeights(t *testing.T) {
	const k, n = 256, 24
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(3, 3))
		m := packing{"affine", 5, 64, mlx.BFloat16, false}.pack(t, th, r, n, k)
		x := slice(t, th, uniform(r, 3*k), 3, k)
		for name, of := range map[string]func(s *mlx.Scope, a mlx.Array) mlx.Array{
			"rows in between": func(s *mlx.Scope, a mlx.Array) mlx.Array {
				return s.Slice(a, []int{5, 0}, []int{18, s.Dim(a, 1)}, []int{1, 1})
			},
			"every third row": func(s *mlx.Scope, a mlx.Array) mlx.Array {
				return s.Slice(a, []int{1, 0}, []int{n, s.Dim(a, 1)}, []int{3, 1})
			},
			"stored transposed": func(s *mlx.Scope, a mlx.Array) mlx.Array {
				return s.SwapAxes(s.Contiguous(s.SwapAxes(a, 0, 1), false), 0, 1)
			},
		} {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return []mlx.Array{of(s, m.w), of(s, m.scales), of(s, m.biases)} })
			require.NoError(t, err, name)
			part := packed{packing: m.packing, w: all[0], scales: all[1], biases: all[2]}
			y, xs, w := product(t, th, x, part)
			requireProduct(t, y, xs, w, k, mlx.Float32)
			part.close(t)
		}
		require.NoError(t, x.Close())
		m.close(t)
	})
}

func TestCPUQuantizedMatmulRefuses(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(4, 4))
		m := packing{"affine", 4, 32, mlx.Float32, false}.pack(t, th, r, 8, 64)
		fp := packing{"mxfp4", 4, 32, mlx.Uint8, false}.pack(t, th, r, 8, 64)
		x := slice(t, th, uniform(r, 2*64), 2, 64)
		ints, short := slice(t, th, make([]int32, 64), 1, 64), slice(t, th, uniform(r, 60), 1, 60)
		three := build(t, th, func(s *mlx.Scope) mlx.Array { return s.ExpandDims(m.w, 0) })
		threeScales := build(t, th, func(s *mlx.Scope) mlx.Array { return s.ExpandDims(m.scales, 0) })
		none := mlx.Array{}
		for want, call := range map[string]func(s *mlx.Scope) mlx.Array{
			"wants float32, bfloat16 or float16, not int32": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(ints, m.w, m.scales, m.biases, 32, 4, "affine", true)
			},
			"x (1,60) does not fit a matrix of rows of 64": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(short, m.w, m.scales, m.biases, 32, 4, "affine", true)
			},
			"does not know groups of 48 values of 4 bits in mode affine": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, 48, 4, "affine", true)
			},
			"does not know groups of 32 values of 7 bits": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, 32, 7, "affine", true)
			},
			"does not know groups of 16 values of 4 bits in mode mxfp4": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, fp.w, fp.scales, none, 16, 4, "mxfp4", true)
			},
			`does not know the mode "int4"`: func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, 32, 4, "int4", true)
			},
			"scales (8,2) do not fit a weight (8,8) of 4 bits in groups of 64": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, m.scales, m.biases, 64, 4, "affine", true)
			},
			"wants biases in mode affine only": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, fp.w, fp.scales, fp.scales, 32, 4, "mxfp4", true)
			},
			"scales of two levels (8,10) do not fit a weight (8,8) of 4 bits in groups of 32": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, s.Zeros([]int{8, 10}, mlx.Uint8), none, 32, 4, "affine", true)
			},
			"scales of two levels (8,10) do not fit a weight (8,32) of 4 bits in groups of 64": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, s.Zeros([]int{8, 32}, mlx.Uint32), s.Zeros([]int{8, 10}, mlx.Uint8), none, 64, 4, "affine", true)
			},
			"scales of two levels (8,9) do not fit a weight (8,32) of 4 bits in groups of 32": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, s.Zeros([]int{8, 32}, mlx.Uint32), s.Zeros([]int{8, 9}, mlx.Uint8), none, 32, 4, "affine", true)
			},
			"wants scales of uint8 in mode mxfp4": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, fp.w, m.scales, none, 32, 4, "mxfp4", true)
			},
			"wants biases of the scales' dtype and shape": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.w, m.scales, s.AsType(m.biases, mlx.Float16), 32, 4, "affine", true)
			},
			"wants a weight of uint32": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, m.scales, m.scales, m.biases, 32, 4, "affine", true)
			},
			"wants one matrix, not (1,8,8)": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, three, threeScales, threeScales, 32, 4, "affine", true)
			},
			"expected a non-empty mlx_array": func(s *mlx.Scope) mlx.Array {
				return s.CPUQuantizedMatmul(x, none, m.scales, m.biases, 32, 4, "affine", true)
			},
		} {
			_, err := th.Build(call)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "mlx: cpu_quantized_matmul: ")
		}
		require.NoError(t, mlx.CloseAll(x, ints, short, three, threeScales))
		m.close(t)
		fp.close(t)
	})
}
