package runtime_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestCPUDequantize(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		for i, p := range packings() {
			m := p.pack(t, th, rand.New(rand.NewPCG(7, uint64(i))), 37, 256)
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				got := s.CPUDequantize(m.w, m.scales, m.biases, m.group, m.bits, m.mode)
				three := s.CPUDequantize(s.ExpandDims(m.w, 0), s.ExpandDims(m.scales, 0), expanded(s, m.biases), m.group, m.bits, m.mode)
				const row = 5
				return []mlx.Array{m.dense(s), got, s.SqueezeAxis(three, 0),
					s.CPUDequantize(s.TakeAxis(m.w, s.ExpandDims(s.Scalar(float64(row), mlx.Int32), 0), 0), s.TakeAxis(m.scales, s.ExpandDims(s.Scalar(float64(row), mlx.Int32), 0), 0), taken(s, m.biases, row), m.group, m.bits, m.mode)}
			})
			require.NoError(t, err, p)
			want := read[float32](t, th, all[0])
			require.InDeltaSlice(t, want, read[float32](t, th, all[1]), 1e-6, "%v", p)
			require.InDeltaSlice(t, want, read[float32](t, th, all[2]), 1e-6, "%v", p)
			require.InDeltaSlice(t, want[5*256:6*256], read[float32](t, th, all[3]), 1e-6, "%v", p)
			m.close(t)
		}
	})
}

func expanded(s *mlx.Scope, a mlx.Array) mlx.Array {
	if a.IsNull() {
		return a
	}
	return s.ExpandDims(a, 0)
}

func taken(s *mlx.Scope, a mlx.Array, row int) mlx.Array {
	if a.IsNull() {
		return a
	}
	return s.TakeAxis(a, s.ExpandDims(s.Scalar(float64(row), mlx.Int32), 0), 0)
}

// dtypes are those of the kernels.
var floats = []mlx.Dtype{mlx.Float32, mlx.BFloat16, mlx.Float16}

// Every pair of dtypes, with odd sizes; the reference is the product in float64.
func TestCPUMatmul(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(8, 8))
		for _, dx := range floats {
			for _, dw := range floats {
				for _, rows := range []int{1, 2, 5, 16, 40} {
					k, n := 1+r.IntN(200), 1+r.IntN(60)
					w := halved(t, th, uniform(r, n*k), dw, n, k)
					x := halved(t, th, uniform(r, rows*k), dx, rows, k)
					all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
						y := s.CPUMatmul(x, w)
						require.Equal(t, dx, s.DtypeOf(y))
						return []mlx.Array{s.AsType(y, mlx.Float32), s.AsType(x, mlx.Float32), s.AsType(w, mlx.Float32)}
					})
					require.NoError(t, err)
					requireProduct(t, read[float32](t, th, all[0]), read[float32](t, th, all[1]), read[float32](t, th, all[2]), k, dx)
					require.NoError(t, mlx.CloseAll(x, w))
				}
			}
		}
	})
}

// A sum of nothing is zero, also in memory that held other numbers.
func TestCPUProductsOfNothing(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			x, w, none := s.Zeros([]int{3, 0}, mlx.Float32), s.Zeros([]int{5, 0}, mlx.Float32), s.Zeros([]int{5, 0}, mlx.Uint32)
			return []mlx.Array{s.CPUMatmul(x, w), s.CPUQuantizedMatmul(x, none, w, w, 32, 4, "affine", true),
				s.Flatten(s.CPUGatherMatmul(x, s.ExpandDims(w, 0), mlx.Const(s, []uint32{0})), 0, 1)}
		})
		require.NoError(t, err)
		for _, a := range all {
			require.Equal(t, make([]float32, 15), read[float32](t, th, a))
		}
	})
}

func TestCPUMatmulOfViews(t *testing.T) {
	const k = 128
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(9, 9))
		base, w := slice(t, th, uniform(r, 6*4*256), 6, 4, 256), slice(t, th, uniform(r, k*9), k, 9)
		for _, v := range rowsViews(k) {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				x := v.make(s, base)
				return []mlx.Array{s.Matmul(x, w), s.CPUMatmul(x, s.Transpose(w))}
			})
			require.NoError(t, err, v.name)
			require.InDeltaSlice(t, read[float32](t, th, all[0]), read[float32](t, th, all[1]), 1e-4, v.name)
		}
		for want, call := range map[string]func(s *mlx.Scope) mlx.Array{
			"x (6,4,256) does not fit a matrix (128,9)":     func(s *mlx.Scope) mlx.Array { return s.CPUMatmul(base, w) },
			"wants float32, bfloat16 or float16, not int32": func(s *mlx.Scope) mlx.Array { return s.CPUMatmul(base, s.AsType(w, mlx.Int32)) },
		} {
			_, err := th.Build(call)
			require.ErrorContains(t, err, want)
		}
		require.NoError(t, mlx.CloseAll(base, w))
	})
}

// The derivatives with respect to both factors are those of MLX's product.
func TestCPUMatmulTransformed(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(10, 10))
		x, w := slice(t, th, uniform(r, 2*3*24), 2, 3, 24), slice(t, th, uniform(r, 7*24), 7, 24)
		dx, dw := slice(t, th, uniform(r, 2*3*24), 2, 3, 24), slice(t, th, uniform(r, 7*24), 7, 24)
		own := func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
			return []mlx.Array{s.CPUMatmul(s.Sin(a[0]), s.Sin(a[1]))}
		}
		ref := func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
			return []mlx.Array{s.Matmul(s.Sin(a[0]), s.Transpose(s.Sin(a[1])))}
		}
		for name, f := range map[string]func(s *mlx.Scope, f mlx.Func) []mlx.Array{
			"vjp": func(s *mlx.Scope, f mlx.Func) []mlx.Array {
				_, grads := mlx.VJP(s, f, []mlx.Array{x, w}, []mlx.Array{s.Ones([]int{2, 3, 7}, mlx.Float32)})
				return grads
			},
			"jvp": func(s *mlx.Scope, f mlx.Func) []mlx.Array {
				_, out := mlx.JVP(s, f, []mlx.Array{x, w}, []mlx.Array{dx, dw})
				return out
			},
			"second derivative": func(s *mlx.Scope, f mlx.Func) []mlx.Array {
				first := mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array { return []mlx.Array{s.Sum(f(s, a)[0], false)} }, 0)
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return []mlx.Array{s.Sum(s.Square(first(s, a)[0]), false)}
				}, 0, 1)(s, []mlx.Array{x, w})
			},
			"vmap": func(s *mlx.Scope, f mlx.Func) []mlx.Array {
				return mlx.Vmap(func(s *mlx.Scope, a []mlx.Array) []mlx.Array { return f(s, []mlx.Array{a[0], w}) }, mlx.InAxes(1))(s, []mlx.Array{x})
			},
		} {
			want, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f(s, ref) })
			require.NoError(t, err, name)
			got, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f(s, own) })
			require.NoError(t, err, name)
			for i := range want {
				require.InDeltaSlice(t, read[float32](t, th, want[i]), read[float32](t, th, got[i]), 1e-3, name)
			}
		}
		require.NoError(t, mlx.CloseAll(x, w, dx, dw))
	})
}

// experts are matrices [e, n, k], packed and as numbers.
func (p packing) experts(t *testing.T, th *mlx.Thread, r *rand.Rand, e, n, k int) (packed, mlx.Array) {
	t.Helper()
	m := p.pack(t, th, r, e*n, k)
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		out := []mlx.Array{s.Unflatten(m.dense(s), 0, e, n), s.Unflatten(m.w, 0, e, n), s.Unflatten(m.scales, 0, e, n)}
		if !m.biases.IsNull() {
			out = append(out, s.Unflatten(m.biases, 0, e, n))
		}
		return out
	})
	require.NoError(t, err)
	m.close(t)
	stack := packed{packing: p, w: all[1], scales: all[2]}
	if len(all) > 3 {
		stack.biases = all[3]
	}
	return stack, all[0]
}

// Every way in which rows and indices meet: MLX's GatherMM of the dense matrices is
// the reference, itself compared with Python elsewhere.
func TestCPUGather(t *testing.T) {
	const e, n, k = 5, 9, 256
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(11, 11))
		for _, c := range []struct{ x, indices []int }{
			{[]int{1, k}, []int{1}},
			{[]int{4, 1, k}, []int{4}},
			{[]int{4, 1, 1, k}, []int{4, 2}},
			{[]int{2, 3, 1, 1, k}, []int{2, 3, 2}},
			{[]int{3, 1, k}, []int{2, 3}},
			{[]int{2, 3, 7, k}, []int{2, 3}},
			{[]int{1, 20, k}, []int{3}},
			{[]int{70, 1, k}, []int{70}},
		} {
			for _, p := range []packing{{"affine", 4, 32, mlx.Float32, false}, {"affine", 6, 16, mlx.Float32, false}, {"mxfp4", 4, 32, mlx.Uint8, false},
				{"affine", 4, 32, mlx.Uint8, false}, {"affine", 6, 16, mlx.Uint8, true}} {
				name := fmt.Sprint(c.x, c.indices, p)
				m, dense := p.experts(t, th, r, e, n, k)
				x := slice(t, th, uniform(r, elements(c.x)), c.x...)
				chosen := make([]int32, elements(c.indices))
				for i := range chosen {
					chosen[i] = int32(r.IntN(e))
				}
				indices := slice(t, th, chosen, c.indices...)
				all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					return []mlx.Array{
						s.GatherMM(x, s.SwapAxes(dense, -1, -2), mlx.Array{}, s.AsType(indices, mlx.Uint32), false),
						s.CPUGatherQuantizedMatmul(x, m.w, m.scales, m.biases, indices, m.group, m.bits, m.mode, true),
						s.CPUGatherMatmul(x, dense, indices),
						s.AsType(s.CPUGatherMatmul(s.AsType(x, mlx.BFloat16), s.AsType(dense, mlx.Float16), indices), mlx.Float32),
					}
				})
				require.NoError(t, err, name)
				shape, err := all[0].Shape()
				require.NoError(t, err)
				got, err := all[1].Shape()
				require.NoError(t, err)
				require.Equal(t, shape, got, name)
				want := read[float32](t, th, all[0])
				require.InDeltaSlice(t, want, read[float32](t, th, all[1]), 1e-4, name)
				require.InDeltaSlice(t, want, read[float32](t, th, all[2]), 1e-4, name)
				require.InDeltaSlice(t, want, read[float32](t, th, all[3]), 0.25, name)
				require.NoError(t, mlx.CloseAll(x, indices, dense))
				m.close(t)
			}
		}
	})
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func TestCPUGatherTransformed(t *testing.T) {
	const e, n, k = 3, 8, 64
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(12, 12))
		m, dense := packing{"affine", 4, 32, mlx.Float32, false}.experts(t, th, r, e, n, k)
		x, indices := slice(t, th, uniform(r, 4*k), 4, 1, 1, k), slice(t, th, []uint32{2, 0, 1, 1, 0, 2, 2, 2}, 4, 2)
		grads := func(f func(s *mlx.Scope, x, w mlx.Array) mlx.Array, argnums ...int) []mlx.Array {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return []mlx.Array{s.Sum(s.Square(f(s, a[0], a[1])), false)}
				}, argnums...)(s, []mlx.Array{x, dense})
			})
			require.NoError(t, err)
			return all
		}
		want := grads(func(s *mlx.Scope, x, w mlx.Array) mlx.Array {
			return s.GatherMM(x, s.SwapAxes(w, -1, -2), mlx.Array{}, indices, false)
		}, 0, 1)
		got := grads(func(s *mlx.Scope, x, w mlx.Array) mlx.Array { return s.CPUGatherMatmul(x, w, indices) }, 0, 1)
		ofPacked := grads(func(s *mlx.Scope, x, _ mlx.Array) mlx.Array {
			return s.CPUGatherQuantizedMatmul(x, m.w, m.scales, m.biases, indices, 32, 4, "affine", true)
		}, 0)
		dx, dw := read[float32](t, th, want[0]), read[float32](t, th, want[1])
		require.InDeltaSlice(t, dx, read[float32](t, th, got[0]), 1e-3)
		require.InDeltaSlice(t, dw, read[float32](t, th, got[1]), 1e-3)
		require.InDeltaSlice(t, dx, read[float32](t, th, ofPacked[0]), 1e-3)
		require.NoError(t, mlx.CloseAll(x, indices, dense))
		m.close(t)
	})
}

func TestCPUGatherRefuses(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		x, w := slice(t, th, make([]float32, 2*64), 2, 1, 64), slice(t, th, make([]float32, 3*8*64), 3, 8, 64)
		index := slice(t, th, []int32{0, 3}, 2)
		for want, call := range map[string]func(s *mlx.Scope) mlx.Array{
			"wants matrices [e, n, k], not (24,64)": func(s *mlx.Scope) mlx.Array { return s.CPUGatherMatmul(x, s.Flatten(w, 0, 1), index) },
			"wants indices of integers":             func(s *mlx.Scope) mlx.Array { return s.CPUGatherMatmul(x, w, s.AsType(index, mlx.Float32)) },
			"x (2,1,64) does not fit matrices of rows of 8": func(s *mlx.Scope) mlx.Array {
				return s.CPUGatherMatmul(x, s.SwapAxes(w, 1, 2), index)
			},
			"wants x of [..., m, k], not (128)": func(s *mlx.Scope) mlx.Array { return s.CPUGatherMatmul(s.Flatten(x, 0, -1), w, index) },
		} {
			_, err := th.Build(call)
			require.ErrorContains(t, err, want)
		}
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.CPUGatherMatmul(x, w, index) })
		require.ErrorContains(t, th.Eval(y), "an index names no matrix")
		require.NoError(t, mlx.CloseAll(x, w, index, y))
	})
}
