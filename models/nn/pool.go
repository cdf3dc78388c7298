package nn

import (
	"fmt"
	"math"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MaxPool1d takes the largest of every Kernel positions.
type MaxPool1d struct {
	Kernel  int
	Stride  int // 0 is Kernel
	Padding int // with minus infinity, on both sides
}

// Forward maps x [N, L, D] to [N, L', D].
func (p MaxPool1d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return pool(s, x, window{[]int{p.Kernel}, []int{orDefault(p.Stride, p.Kernel)}, []int{p.Padding}}, math.Inf(-1), (*mlx.Scope).MaxAxes)
}

// AvgPool1d takes the mean of every Kernel positions.
type AvgPool1d struct {
	Kernel  int
	Stride  int // 0 is Kernel
	Padding int // with zeros, which count, on both sides
}

// Forward maps x [N, L, D] to [N, L', D].
func (p AvgPool1d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return pool(s, x, window{[]int{p.Kernel}, []int{orDefault(p.Stride, p.Kernel)}, []int{p.Padding}}, 0, (*mlx.Scope).MeanAxes)
}

// MaxPool2d takes the largest of every rectangle.
type MaxPool2d struct {
	Kernel  Pair
	Stride  Pair // 0 is Kernel
	Padding Pair // with minus infinity, on both sides
}

// Forward maps x [N, H, W, D] to [N, H', W', D].
func (p MaxPool2d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return pool(s, x, window2d(p.Kernel, p.Stride, p.Padding), math.Inf(-1), (*mlx.Scope).MaxAxes)
}

// AvgPool2d takes the mean of every rectangle.
type AvgPool2d struct {
	Kernel  Pair
	Stride  Pair // 0 is Kernel
	Padding Pair // with zeros, which count, on both sides
}

// Forward maps x [N, H, W, D] to [N, H', W', D].
func (p AvgPool2d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return pool(s, x, window2d(p.Kernel, p.Stride, p.Padding), 0, (*mlx.Scope).MeanAxes)
}

// window is what a pool looks at: sizes, strides and paddings of each axis.
type window struct{ size, stride, padding []int }

func window2d(kernel, stride, padding Pair) window {
	stride = orDefault(stride, kernel)
	return window{[]int{kernel.H, kernel.W}, []int{stride.H, stride.W}, []int{padding.H, padding.W}}
}

// pool reduces the windows of x [N, sizes..., D].
func pool(s *mlx.Scope, x mlx.Array, w window, fill float64, reduce func(*mlx.Scope, mlx.Array, []int, bool) mlx.Array) mlx.Array {
	n := len(w.size)
	if !wantDims(s, "pool", s.Shape(x), n+2, n+2) {
		return mlx.Array{}
	}
	axes := make([]int, n)
	padded := false
	for i := range n {
		axes[i] = i + 1
		padded = padded || w.padding[i] != 0
		if w.size[i] <= 0 || w.stride[i] <= 0 || w.padding[i] < 0 {
			s.Fail(fmt.Errorf("nn: pool: kernel %v, stride %v and padding %v cannot be", w.size, w.stride, w.padding))
			return mlx.Array{}
		}
	}
	if padded {
		x = w.pad(s, x, fill)
	}
	x = w.slide(s, x)
	for i := range axes {
		axes[i] += n
	}
	return reduce(s, x, axes, false)
}

// pad pads x on both sides. It names every axis: MLX's derivative of a pad of some
// takes its sizes by the number of the axis (0.32.2, Pad::vjp).
func (w window) pad(s *mlx.Scope, x mlx.Array, fill float64) mlx.Array {
	axes, sizes := []int{0}, []int{0}
	for i, n := range append(slices.Clone(w.padding), 0) {
		axes, sizes = append(axes, i+1), append(sizes, n)
	}
	return s.Pad(x, axes, sizes, sizes, num(s, fill, x), "constant")
}

// slide makes a view of x [N, sizes..., D] with its windows: [N, counts...,
// windows..., D].
func (w window) slide(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if s.Err() != nil {
		return mlx.Array{}
	}
	n, last := len(w.size), len(shape)-1
	steps := make([]int64, len(shape)) // of a dense x
	steps[last] = 1
	for i := last - 1; i >= 0; i-- {
		steps[i] = steps[i+1] * int64(shape[i+1])
	}
	counts, strides := []int{shape[0]}, []int64{steps[0]}
	for i := range n {
		if shape[i+1] < w.size[i] {
			s.Fail(fmt.Errorf("nn: pool: an input %v is smaller than the window %v", shape, w.size))
			return mlx.Array{}
		}
		counts = append(counts, (shape[i+1]-w.size[i])/w.stride[i]+1)
		strides = append(strides, steps[i+1]*int64(w.stride[i]))
	}
	counts = append(append(counts, w.size...), shape[last])
	return s.AsStrided(x, counts, append(strides, steps[1:]...), 0)
}
