package runtime_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// mlxMul is the same product by MLX's operation.
func (m packed) mlxMul(s *mlx.Scope, x mlx.Array) mlx.Array {
	scales, biases := m.plain()
	return s.QuantizedMatmul(x, m.w, scales, biases, true, mlx.SomeInt(m.group), mlx.SomeInt(m.bits), m.mode)
}

// transformed computes f of both products and compares.
func transformed(t *testing.T, th *mlx.Thread, f func(s *mlx.Scope, mul func(s *mlx.Scope, x mlx.Array) mlx.Array) []mlx.Array, m packed) {
	t.Helper()
	want, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f(s, m.mlxMul) })
	require.NoError(t, err)
	got, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f(s, m.mul) })
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i := range want {
		require.InDeltaSlice(t, read[float32](t, th, want[i]), read[float32](t, th, got[i]), 2e-4, "result %d", i)
	}
}

// Gradients, tangents, batches and compiled graphs are those of MLX's product.
func TestCPUQuantizedMatmulTransformed(t *testing.T) {
	const n, rows = 10, 5
	for _, p := range []packing{{"affine", 4, 32, mlx.Float32, false}, {"affine", 6, 64, mlx.Float32, false}, {"mxfp4", 4, 32, mlx.Uint8, false}, {"nvfp4", 4, 16, mlx.Uint8, false},
		{"affine", 4, 32, mlx.Uint8, false}, {"affine", 8, 32, mlx.Uint8, true}, {"affine", 5, 32, mlx.Float32, true}} {
		k := p.step()
		t.Run(p.String(), func(t *testing.T) {
			withKernels(t, func(th *mlx.Thread) {
				r := rand.New(rand.NewPCG(5, 5))
				m := p.pack(t, th, r, n, k)
				x, dx := slice(t, th, uniform(r, rows*k), rows, k), slice(t, th, uniform(r, rows*k), rows, k)
				dy := slice(t, th, uniform(r, rows*n), rows, n)
				type mul = func(s *mlx.Scope, x mlx.Array) mlx.Array
				of := func(f mul) mlx.Func {
					return func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
						return []mlx.Array{f(s, s.Multiply(args[0], args[0]))}
					}
				}
				transformed(t, th, func(s *mlx.Scope, f mul) []mlx.Array {
					_, grads := mlx.VJP(s, of(f), []mlx.Array{x}, []mlx.Array{dy})
					return grads
				}, m)
				transformed(t, th, func(s *mlx.Scope, f mul) []mlx.Array {
					_, out := mlx.JVP(s, of(f), []mlx.Array{x}, []mlx.Array{dx})
					return out
				}, m)
				batch := slice(t, th, uniform(r, 3*rows*k), rows, 3, k)
				want, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.mlxMul(s, s.SwapAxes(batch, 0, 1)) })
				require.NoError(t, err)
				got, err := th.Build(func(s *mlx.Scope) mlx.Array {
					f := func(s *mlx.Scope, args []mlx.Array) []mlx.Array { return []mlx.Array{m.mul(s, args[0])} }
					return mlx.Vmap(f, mlx.InAxes(1))(s, []mlx.Array{batch})[0]
				})
				require.NoError(t, err)
				require.InDeltaSlice(t, read[float32](t, th, want), read[float32](t, th, got), 2e-4)
				requireCompiled(t, th, m, x)
				require.NoError(t, mlx.CloseAll(x, dx, dy, batch))
				m.close(t)
			})
		})
	}
}

// requireCompiled compiles the product for all shapes, and runs it with some.
func requireCompiled(t *testing.T, th *mlx.Thread, m packed, x mlx.Array) {
	t.Helper()
	c, err := th.Compile(func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		return []mlx.Array{s.Add(m.mul(s, s.Sigmoid(args[0])), m.mul(s, s.Sigmoid(args[0])))}
	}, mlx.Shapeless())
	require.NoError(t, err)
	for _, rows := range []int{1, 4} {
		part := func(s *mlx.Scope) mlx.Array { return s.Slice(x, []int{0, 0}, []int{rows, s.Dim(x, 1)}, []int{1, 1}) }
		want := build(t, th, func(s *mlx.Scope) mlx.Array { y := m.mlxMul(s, s.Sigmoid(part(s))); return s.Add(y, y) })
		got := build(t, th, func(s *mlx.Scope) mlx.Array { return c.Call(s, part(s))[0] })
		require.InDeltaSlice(t, read[float32](t, th, want), read[float32](t, th, got), 2e-4)
	}
	require.Zero(t, c.Retraces())
	require.NoError(t, c.Close())
}

// The gradients of scales and biases are MLX's too; the packed words have none.
func TestCPUQuantizedMatmulGradOfScales(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		r := rand.New(rand.NewPCG(6, 6))
		m := packing{"affine", 4, 32, mlx.Float32, false}.pack(t, th, r, 6, 64)
		x := slice(t, th, uniform(r, 3*64), 3, 64)
		grads := func(own bool, argnums ...int) ([]mlx.Array, error) {
			return th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					n := packed{packing: m.packing, w: a[1], scales: a[2], biases: a[3]}
					y := n.mlxMul(s, a[0])
					if own {
						y = n.mul(s, a[0])
					}
					return []mlx.Array{s.Sum(s.Square(y), false)}
				}, argnums...)(s, []mlx.Array{x, m.w, m.scales, m.biases})
			})
		}
		want, err := grads(false, 0, 2, 3)
		require.NoError(t, err)
		got, err := grads(true, 0, 2, 3)
		require.NoError(t, err)
		for i := range want {
			require.InDeltaSlice(t, read[float32](t, th, want[i]), read[float32](t, th, got[i]), 2e-3)
		}
		_, err = grads(true, 1)
		require.ErrorContains(t, err, "no gradient wrt the quantized weights")
		require.NoError(t, x.Close())
		m.close(t)
	})
}

// Where a function is exported only MLX's operations may be in it.
func TestCPUKernelsWhere(t *testing.T) {
	withKernels(t, func(th *mlx.Thread) {
		require.True(t, th.CPUKernels())
		one := slice(t, th, []float32{1}, 1)
		var here, step, inGrad, stepInGrad, inExport bool
		g := build(t, th, func(s *mlx.Scope) mlx.Array {
			here, step = s.CPUKernels(), s.CPUStepKernels()
			return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				inGrad, stepInGrad = s.CPUKernels(), s.CPUStepKernels()
				return []mlx.Array{s.Sum(a[0], false)}
			})(s, []mlx.Array{one})[0]
		})
		var file bytes.Buffer
		require.NoError(t, mlx.WriteFunction(th, &file, func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
			inExport = s.CPUKernels()
			return []mlx.Array{s.Sum(a[0], false)}
		}, []mlx.Array{one}))
		require.Equal(t, []bool{true, true, true, false, false}, []bool{here, step, inGrad, stepInGrad, inExport})
		require.NoError(t, mlx.CloseAll(g, one))
		isa, threads, err := mlx.KernelInfo()
		require.NoError(t, err)
		require.NotEmpty(t, isa)
		require.Positive(t, threads)
	})
}

func TestCPUKernelsTurnedOff(t *testing.T) {
	out, err := child(t, []string{"GO_MLX_CPU_KERNELS=0"}, func() {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			require.False(t, th.CPUKernels())
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				require.False(t, s.CPUKernels())
				x := s.Zeros([]int{1, 32}, mlx.Float32)
				return s.CPUQuantizedMatmul(x, x, x, x, 32, 4, "affine", true)
			})
			require.ErrorIs(t, err, mlx.ErrNoKernels)
			require.ErrorContains(t, err, "GO_MLX_CPU_KERNELS=0 turns them off")
			return nil
		}))
		_, _, err := mlx.KernelInfo()
		require.ErrorIs(t, err, mlx.ErrNoKernels)
		fmt.Println("as it should be")
	})
	require.NoError(t, err, out)
	require.Contains(t, out, "as it should be")
}
