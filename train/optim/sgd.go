package optim

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// SGD is gradient descent: v = Momentum v + (1 - Dampening) g, p = p - rate v.
type SGD struct {
	Momentum, Dampening float64
	Nesterov            bool    // looks a step ahead; needs a Momentum and no Dampening
	WeightDecay         float64 // of the gradient: g + WeightDecay p
}

// NewSGD has no momentum.
func NewSGD() SGD { return SGD{} }

// State implements Optimizer.
func (o SGD) State([]int) []string { return []string{"v"} }

// Init implements Optimizer.
func (o SGD) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return zeros(s, p, 1) }

// Update implements Optimizer.
func (o SGD) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	if o.WeightDecay != 0 {
		g = s.Add(g, times(s, o.WeightDecay, p))
	}
	if o.Momentum <= 0 {
		return s.Subtract(p, s.Multiply(at.rate(s, g), g)), state
	}
	v := times(s, o.Momentum, state[0])
	if o.Dampening > 0 {
		v = s.Add(v, times(s, 1-o.Dampening, g))
	} else {
		v = s.Add(v, g)
	}
	step := v
	if o.Nesterov {
		step = s.Add(g, times(s, o.Momentum, v))
	}
	return s.Subtract(p, s.Multiply(at.rate(s, g), step)), []mlx.Array{v}
}
