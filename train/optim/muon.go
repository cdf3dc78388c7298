package optim

import (
	"math"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Muon makes the step of a matrix orthogonal, by Newton and Schulz' iteration, and
// takes that of a vector as it is. It is for matrices between a model's layers:
// see Matrices. Jordan, 2024, https://kellerjordan.github.io/posts/muon/.
type Muon struct {
	Momentum    float64
	WeightDecay float64 // of the gradient
	Nesterov    bool
	Steps       int // of the iteration
}

// NewMuon has MLX's defaults.
func NewMuon() Muon { return Muon{Momentum: 0.95, WeightDecay: 0.01, Nesterov: true, Steps: 5} }

// State implements Optimizer.
func (o Muon) State([]int) []string { return []string{"v"} }

// Init implements Optimizer.
func (o Muon) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return zeros(s, p, 1) }

// Update implements Optimizer.
func (o Muon) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	if o.WeightDecay != 0 {
		g = s.Add(g, times(s, o.WeightDecay, p))
	}
	v := mixed(s, o.Momentum, state[0], 1-o.Momentum, g)
	step, rate := v, at.rate(s, g)
	if o.Nesterov {
		step = mixed(s, 1-o.Momentum, g, o.Momentum, v)
	}
	if shape := s.Shape(step); len(shape) >= 2 {
		flat := s.Reshape(step, shape[0], -1)
		step = s.Reshape(o.orthogonal(s, flat), shape...)
		n := len(shape)
		rate = times(s, math.Sqrt(max(1, float64(shape[n-2])/float64(shape[n-1]))), rate)
	}
	return s.Subtract(p, s.Multiply(rate, step)), []mlx.Array{v}
}

// orthogonal brings the singular values of x [r, c] near 1.
func (o Muon) orthogonal(s *mlx.Scope, x mlx.Array) mlx.Array {
	const a, b, c = 3.4445, -4.7750, 2.0315
	tall := s.Dim(x, 0) > s.Dim(x, 1)
	if tall {
		x = s.Transpose(x)
	}
	length := s.NormL2(x, nil, true)
	x = s.Divide(x, s.Add(length, num(s, 1e-7, length)))
	for range o.Steps {
		xx := s.Matmul(x, s.Transpose(x))
		y := s.Addmm(times(s, b, xx), xx, xx, c, 1)
		x = s.Addmm(times(s, a, x), y, x, 1, 1)
	}
	if tall {
		x = s.Transpose(x)
	}
	return x
}

// Matrices trains parameters of two and more dimensions with one optimizer and the
// others with another: vectors, and those of the embedding and the output, which are
// tables more than matrices. See mlx.optimizers.MultiOptimizer.
type Matrices struct{ Matrix, Other Optimizer }

func (o Matrices) of(shape []int) Optimizer {
	if len(shape) >= 2 {
		return o.Matrix
	}
	return o.Other
}

// For implements Chooser.
func (o Matrices) For(name string, shape []int) Optimizer {
	if strings.Contains(name, "embed") || strings.Contains(name, "lm_head") {
		return o.Other
	}
	return o.of(shape)
}

// State implements Optimizer.
func (o Matrices) State(shape []int) []string { return o.of(shape).State(shape) }

// Init implements Optimizer.
func (o Matrices) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return o.of(s.Shape(p)).Init(s, p) }

// Update implements Optimizer.
func (o Matrices) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	return o.of(s.Shape(p)).Update(s, p, g, state, at)
}
