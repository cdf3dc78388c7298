package optim

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Lion goes by the sign of a running mean of the gradient, so that each step is as
// long as the learning rate, which is best three to ten times smaller than Adam's.
// Chen et al., 2023, https://arxiv.org/abs/2302.06675.
type Lion struct {
	Betas       [2]float64
	WeightDecay float64
}

// NewLion has betas of 0.9 and 0.99.
func NewLion() Lion { return Lion{Betas: [2]float64{0.9, 0.99}} }

// State implements Optimizer.
func (o Lion) State([]int) []string { return []string{"m"} }

// Init implements Optimizer.
func (o Lion) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return zeros(s, p, 1) }

// Update implements Optimizer.
func (o Lion) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	c := mixed(s, o.Betas[0], state[0], 1-o.Betas[0], g)
	m := mixed(s, o.Betas[1], state[0], 1-o.Betas[1], g)
	if o.WeightDecay > 0 {
		p = decayed(s, p, g, o.WeightDecay, at)
	}
	return s.Subtract(p, s.Multiply(at.rate(s, g), s.Sign(c))), []mlx.Array{m}
}
