// Package optim changes parameters by their gradients: the optimizers of
// mlx.optimizers in their formulas, schedules of learning rates, and clipping.
//
//	state, err := optim.NewState(t, optim.NewAdamW(), nn.Trainable(model), owner)
//	rate := optim.Cosine(1e-4, 1000, 0)
//	...
//	state.Update(s, grads, rate(step)) // in a Build
//
// Reference: mlx/optimizers/optimizers.py.
package optim

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Optimizer computes a step of one parameter, as a graph. It has no state of its
// own, so that it can stand inside of a compiled function.
type Optimizer interface {
	// State names the arrays that are kept for a parameter of that shape.
	State(shape []int) []string
	// Init makes them, for parameter p before its first step.
	Init(s *mlx.Scope, p mlx.Array) []mlx.Array
	// Update returns what the parameter p with the gradient g becomes, and its state.
	Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array)
}

// Chooser is an Optimizer that leaves parameters to others, by their names too. Those
// it returns are not asked again.
type Chooser interface {
	For(name string, shape []int) Optimizer
}

// At says which step it is.
type At struct {
	Step mlx.Array // scalar, uint64: steps, this one included
	Rate mlx.Array // scalar, float32: the learning rate
}

// rate is the learning rate in the type of x.
func (at At) rate(s *mlx.Scope, x mlx.Array) mlx.Array { return s.AsType(at.Rate, s.DtypeOf(x)) }

// num is v in the type of x, as a number in Python is beside an array.
func num(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return s.Scalar(v, s.DtypeOf(x)) }

// times is v x.
func times(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return s.Multiply(num(s, v, x), x) }

// mixed is a x + b y.
func mixed(s *mlx.Scope, a float64, x mlx.Array, b float64, y mlx.Array) mlx.Array {
	return s.Add(times(s, a, x), times(s, b, y))
}

// zeros are n arrays like p.
func zeros(s *mlx.Scope, p mlx.Array, n int) []mlx.Array {
	out := make([]mlx.Array, n)
	for i := range out {
		out[i] = s.ZerosLike(p)
	}
	return out
}
