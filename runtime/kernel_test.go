package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The body uses an inline percent sign, a template type, two constants and the
// shape of an input.
const axpyMetal = `
uint i = thread_position_in_grid.x;
if (i < uint(x_shape[0])) {
    T v = T(A) * x[i] + y[i];
    out[i] = (FLIP && i % 2 == 1) ? -v : v;
}`

const axpyCUDA = `
auto i = cg::this_grid().thread_rank();
if (i < x_shape[0]) {
    T v = T(A) * x[i] + y[i];
    out[i] = (FLIP && i % 2 == 1) ? -v : v;
}`

var (
	metalAxpy = mlx.MetalKernel{Name: "axpy", Inputs: []string{"x", "y"}, Outputs: []string{"out"}, Source: axpyMetal}
	cudaAxpy  = mlx.CUDAKernel{Name: "axpy", Inputs: []string{"x", "y"}, Outputs: []string{"out"}, Source: axpyCUDA}
)

type kernel interface {
	Apply(s *mlx.Scope, inputs []mlx.Array, l mlx.Launch) []mlx.Array
}

// axpyLaunch has a thread for each of n elements.
func axpyLaunch(n int, flip bool) mlx.Launch {
	return mlx.Launch{
		Grid: [3]int{n, 1, 1}, ThreadGroup: [3]int{256, 1, 1},
		Outputs:  []mlx.KernelOutput{{Shape: []int{n}, Dtype: mlx.Float32}},
		Template: []mlx.KernelConstant{{Name: "T", Value: mlx.Float32}, {Name: "A", Value: 3}, {Name: "FLIP", Value: flip}},
	}
}

func first(arrays []mlx.Array) mlx.Array {
	if len(arrays) == 0 {
		return mlx.Array{}
	}
	return arrays[0]
}

// gpuKernels are those that this machine runs, by language.
func gpuKernels(t *testing.T, th *mlx.Thread, metal, cuda kernel) kernel {
	t.Helper()
	d, err := th.Device()
	require.NoError(t, err)
	info, err := th.DeviceInfo()
	require.NoError(t, err)
	switch {
	case d.Type == mlx.CPU:
		t.Skipf("custom kernels need a GPU; this machine computes on %v", d)
	case info["max_recommended_working_set_size"] != "":
		return metal
	}
	return cuda
}

func TestKernelOnAGPU(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		k := gpuKernels(t, th, metalAxpy, cudaAxpy)
		const n = 1000 // no multiple of the group
		xs, ys := make([]float32, n), make([]float32, n)
		for i := range xs {
			xs[i], ys[i] = float32(i)/7, float32(n-i)
		}
		x, y := slice(t, th, xs), slice(t, th, ys)
		defer x.Close()
		defer y.Close()
		for _, flip := range []bool{false, true} {
			got := read[float32](t, th, build(t, th, func(s *mlx.Scope) mlx.Array {
				return first(k.Apply(s, []mlx.Array{x, y}, axpyLaunch(n, flip)))
			}))
			for i := range got {
				want := 3*xs[i] + ys[i]
				if flip && i%2 == 1 {
					want = -want
				}
				require.InDelta(t, want, got[i], 1e-3)
			}
		}
	})
}

// A kernel is an operation like others: lazy, of strided inputs, with a value
// that outputs begin with, and equal to what MLX computes.
func TestKernelBesideOperations(t *testing.T) {
	metal := mlx.MetalKernel{Name: "expo", Inputs: []string{"x"}, Outputs: []string{"y", "z"},
		Header: "inline float twice(float v) { return 2 * v; }",
		Source: "uint i = thread_position_in_grid.x; y[i] = exp(x[i]); if (i % 2 == 0) z[i] = twice(x[i]);"}
	cuda := mlx.CUDAKernel{Name: "expo", Inputs: []string{"x"}, Outputs: []string{"y", "z"},
		Header: "__device__ inline float twice(float v) { return 2 * v; }",
		Source: "auto i = cg::this_grid().thread_rank(); if (i < 12) { y[i] = exp(x[i]); if (i % 2 == 0) z[i] = twice(x[i]); }"}
	leaktest.Do(t, func(th *mlx.Thread) {
		k := gpuKernels(t, th, metal, cuda)
		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			x := s.Transpose(s.Reshape(s.Arange(0, 12, 1, mlx.Float32), 3, 4))
			out := k.Apply(s, []mlx.Array{x}, mlx.Launch{
				Grid: [3]int{12, 1, 1}, ThreadGroup: [3]int{4, 1, 1}, Init: mlx.SomeFloat(7),
				Outputs: []mlx.KernelOutput{{Shape: []int{4, 3}, Dtype: mlx.Float32}, {Shape: []int{4, 3}, Dtype: mlx.Float32}},
			})
			if s.Err() != nil {
				return nil
			}
			return []mlx.Array{s.Divide(out[0], s.Exp(x)), out[1]}
		})
		require.NoError(t, err)
		for _, ratio := range read[float32](t, th, all[0]) {
			require.InDelta(t, 1, ratio, 1e-5)
		}
		// [[0 4 8] [1 5 9] [2 6 10] [3 7 11]], every second one left as it began
		require.Equal(t, []float32{0, 7, 16, 7, 10, 7, 4, 7, 20, 7, 14, 7}, read[float32](t, th, all[1]))
	})
}

func TestKernelWithoutItsDevice(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		d, err := th.Device()
		require.NoError(t, err)
		if d.Type != mlx.CPU {
			t.Skip("this machine has a GPU")
		}
		for says, k := range map[string]kernel{
			`mlx: metal_kernel: kernel "axpy" needs Metal, which this library does not have: the thread computes on cpu:0 (kernel_test.go:`: metalAxpy,
			`mlx: cuda_kernel: kernel "axpy" needs CUDA, which this library does not have: the thread computes on cpu:0 (kernel_test.go:`:   cudaAxpy,
		} {
			x := slice(t, th, []float32{1, 2})
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				return first(k.Apply(s, []mlx.Array{x, x}, axpyLaunch(2, false)))
			})
			require.ErrorContains(t, err, says)
			require.NoError(t, x.Close())
		}
	})
}

// Launches that a device would answer with a crash or not at all.
func TestKernelLaunchesThatAreRefused(t *testing.T) {
	var x mlx.Array
	for says, change := range map[string]func(l *mlx.Launch) []mlx.Array{
		`1 inputs for the 2 names ["x" "y"]`:                        func(*mlx.Launch) []mlx.Array { return []mlx.Array{x} },
		`Launch.Outputs has 0 outputs for the 1 names ["out"]`:      func(l *mlx.Launch) []mlx.Array { l.Outputs = nil; return nil },
		`Launch.Grid is [2 0 1]: every dimension is at least 1`:     func(l *mlx.Launch) []mlx.Array { l.Grid[1] = 0; return nil },
		`Launch.ThreadGroup is [0 1 1]`:                             func(l *mlx.Launch) []mlx.Array { l.ThreadGroup[0] = 0; return nil },
		`the shape of output "out" is [-1]`:                         func(l *mlx.Launch) []mlx.Array { l.Outputs[0].Shape = []int{-1}; return nil },
		`the constant B is a string, not an int, a bool or a Dtype`: func(l *mlx.Launch) []mlx.Array { l.Template[1] = mlx.KernelConstant{Name: "B", Value: "b"}; return nil },
		`the constant B is 4294967296, which does not fit in 32 bits`: func(l *mlx.Launch) []mlx.Array {
			l.Template[1] = mlx.KernelConstant{Name: "B", Value: 1 << 32}
			return nil
		},
		`dtype 99 is no bindings.Dtype`:      func(l *mlx.Launch) []mlx.Array { l.Outputs[0].Dtype = 99; return nil },
		`4294967296 does not fit in 32 bits`: func(l *mlx.Launch) []mlx.Array { l.Grid[0] = 1 << 32; return nil },
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				l := axpyLaunch(2, false)
				inputs := change(&l)
				if inputs == nil {
					inputs = []mlx.Array{x, x}
				}
				mlx.CheckLaunch(s, metalAxpy, inputs, l)
				return x
			})
			require.ErrorContains(t, err, "mlx: metal_kernel: ")
			require.ErrorContains(t, err, says)
		})
	}
}
