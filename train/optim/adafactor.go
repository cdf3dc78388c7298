package optim

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Adafactor keeps means of rows and columns in place of Adam's squares, and goes
// by the size of the parameter. Shazeer and Stern, 2018,
// https://arxiv.org/abs/1804.04235.
type Adafactor struct {
	Eps            [2]float64 // added to squares; the least size of a parameter
	ClipThreshold  float64    // of a step's root mean square
	DecayRate      float64    // means forget by 1 - step^DecayRate
	Beta1          float64    // of a running mean of the steps; 0 keeps none
	WeightDecay    float64
	ScaleParameter bool // multiplies the rate by the parameter's root mean square
	RelativeStep   bool // sets the rate by the step: the learning rate counts for nothing
	WarmupInit     bool // begins RelativeStep with small steps
}

// NewAdafactor has MLX's defaults: relative steps, which ignore the learning rate.
func NewAdafactor() Adafactor {
	return Adafactor{Eps: [2]float64{1e-30, 1e-3}, ClipThreshold: 1, DecayRate: -0.8, ScaleParameter: true, RelativeStep: true}
}

// State implements Optimizer.
func (o Adafactor) State(shape []int) []string {
	names := []string{"exp_avg_sq"}
	if len(shape) >= 2 {
		names = []string{"exp_avg_sq_row", "exp_avg_sq_col"}
	}
	if o.Beta1 != 0 {
		names = append(names, "exp_avg")
	}
	return names
}

// Init implements Optimizer.
func (o Adafactor) Init(s *mlx.Scope, p mlx.Array) []mlx.Array {
	shape, dtype := s.Shape(p), s.DtypeOf(p)
	state := zeros(s, p, 1)
	if n := len(shape); n >= 2 {
		columns := append(append([]int(nil), shape[:n-2]...), shape[n-1])
		state = []mlx.Array{s.Zeros(shape[:n-1], dtype), s.Zeros(columns, dtype)}
	}
	if o.Beta1 != 0 {
		state = append(state, s.ZerosLike(p))
	}
	return state
}

// Update implements Optimizer.
func (o Adafactor) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	rate := o.rate(s, rootMeanSquare(s, p), at)
	step, next := o.normalised(s, g, state, at)
	excess := s.Divide(rootMeanSquare(s, step), num(s, o.ClipThreshold, step))
	step = s.Divide(step, s.Maximum(num(s, 1, step), excess))
	step = s.Multiply(rate, step)
	if o.Beta1 != 0 {
		step = mixed(s, o.Beta1, state[len(state)-1], 1-o.Beta1, step)
		next = append(next, step)
	}
	if o.WeightDecay != 0 {
		p = s.Add(p, s.Multiply(p, times(s, -o.WeightDecay, rate)))
	}
	return s.Subtract(p, step), next
}

// normalised is the gradient over the root of its mean square, which comes with it.
func (o Adafactor) normalised(s *mlx.Scope, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	forget := s.AsType(s.Power(s.AsType(at.Step, mlx.Float32), s.Scalar(o.DecayRate, mlx.Float32)), s.DtypeOf(g))
	keep := s.Subtract(num(s, 1, forget), forget)
	forget = s.Subtract(num(s, 1, keep), keep)
	mean := func(old, now mlx.Array) mlx.Array { return s.Add(s.Multiply(keep, old), s.Multiply(forget, now)) }
	square := s.Square(g)
	square = s.Add(square, num(s, o.Eps[0], square))
	if s.Ndim(g) < 2 {
		v := mean(state[0], square)
		return s.Multiply(s.Rsqrt(v), g), []mlx.Array{v}
	}
	rows, columns := mean(state[0], s.MeanAxis(square, -1, false)), mean(state[1], s.MeanAxis(square, -2, false))
	r := s.Rsqrt(s.Divide(rows, s.MeanAxis(rows, -1, true)))
	step := s.Multiply(s.ExpandDims(r, -1), s.ExpandDims(s.Rsqrt(columns), -2))
	return s.Multiply(step, g), []mlx.Array{rows, columns}
}

// rate is that of a parameter of that root mean square.
func (o Adafactor) rate(s *mlx.Scope, size mlx.Array, at At) mlx.Array {
	rate := at.Rate
	if o.RelativeStep {
		step := s.AsType(at.Step, mlx.Float32)
		least := s.Scalar(1e-2, mlx.Float32)
		if o.WarmupInit {
			least = times(s, 1e-6, step)
		}
		rate = s.Minimum(least, s.Rsqrt(step))
	}
	rate = s.AsType(rate, s.DtypeOf(size))
	if o.ScaleParameter {
		rate = s.Multiply(s.Maximum(num(s, o.Eps[1], size), size), rate)
	}
	return rate
}

func rootMeanSquare(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Sqrt(s.Mean(s.Square(x), false)) }
