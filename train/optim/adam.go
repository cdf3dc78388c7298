package optim

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Adam goes by running means m of the gradient and v of its square:
// p = p - rate m / (sqrt(v) + Eps). Kingma and Ba, 2015,
// https://arxiv.org/abs/1412.6980.
type Adam struct {
	Betas          [2]float64
	Eps            float64
	BiasCorrection bool // makes up for means that began at 0; MLX's default does not
}

// NewAdam has betas of 0.9 and 0.999 and an epsilon of 1e-8.
func NewAdam() Adam { return Adam{Betas: [2]float64{0.9, 0.999}, Eps: 1e-8} }

// State implements Optimizer.
func (o Adam) State([]int) []string { return []string{"m", "v"} }

// Init implements Optimizer.
func (o Adam) Init(s *mlx.Scope, p mlx.Array) []mlx.Array { return zeros(s, p, 2) }

// Update implements Optimizer.
func (o Adam) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	m := mixed(s, o.Betas[0], state[0], 1-o.Betas[0], g)
	v := mixed(s, o.Betas[1], state[1], 1-o.Betas[1], s.Square(g))
	rate, root := at.rate(s, g), s.Sqrt(v)
	if o.BiasCorrection {
		rate = s.AsType(s.Divide(rate, o.missing(s, 0, at)), s.DtypeOf(g))
		root = s.Multiply(root, s.AsType(s.Rsqrt(o.missing(s, 1, at)), s.DtypeOf(g)))
	}
	step := s.Divide(s.Multiply(rate, m), s.Add(root, num(s, o.Eps, root)))
	return s.Subtract(p, step), []mlx.Array{m, v}
}

// missing is 1 - beta^step, in float32.
func (o Adam) missing(s *mlx.Scope, beta int, at At) mlx.Array {
	power := s.Power(s.Scalar(o.Betas[beta], mlx.Float32), s.AsType(at.Step, mlx.Float32))
	return s.Subtract(s.Scalar(1, mlx.Float32), power)
}

// AdamW is Adam on parameters that decay by rate*WeightDecay a step. Loshchilov
// and Hutter, 2019, https://arxiv.org/abs/1711.05101.
type AdamW struct {
	Adam
	WeightDecay float64
}

// NewAdamW is NewAdam with a decay of 0.01.
func NewAdamW() AdamW { return AdamW{Adam: NewAdam(), WeightDecay: 0.01} }

// Update implements Optimizer.
func (o AdamW) Update(s *mlx.Scope, p, g mlx.Array, state []mlx.Array, at At) (mlx.Array, []mlx.Array) {
	return o.Adam.Update(s, decayed(s, p, g, o.WeightDecay, at), g, state, at)
}

// decayed is p (1 - rate decay).
func decayed(s *mlx.Scope, p, g mlx.Array, decay float64, at At) mlx.Array {
	rate := at.rate(s, g)
	return s.Multiply(p, s.Subtract(num(s, 1, rate), times(s, decay, rate)))
}
