package nn

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// BatchNorm normalises each channel over the batch. It learns a running mean and
// variance, which Forward uses. Ioffe and Szegedy, 2015,
// https://arxiv.org/abs/1502.03167.
type BatchNorm struct {
	Dims     int
	Eps      float32 // 0 is 1e-5
	Momentum float64 // of the newest batch; 0 is 0.1
	NoAffine bool    // neither weight nor bias

	affine
	mean, variance Param
}

// Forward keeps the shape of x [N, D], [N, L, D] or [N, H, W, D].
func (n *BatchNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	if !wantDims(s, "BatchNorm", s.Shape(x), 2, 4) {
		return mlx.Array{}
	}
	return n.normalise(s, x, n.mean.Array(), n.variance.Array())
}

// Train is Forward by the batch's own mean and variance. It returns what the
// running ones become: a loss returns them along, see [ValuesAndGrad], and Update
// assigns them.
func (n *BatchNorm) Train(s *mlx.Scope, x mlx.Array) (y, mean, variance mlx.Array) {
	shape := s.Shape(x)
	if !wantDims(s, "BatchNorm", shape, 2, 4) {
		return y, mean, variance
	}
	axes, values := []int{0, 1, 2}[:len(shape)-1], 1
	for _, i := range axes {
		values *= shape[i]
	}
	if values <= 1 {
		s.Fail(errors.New("nn: BatchNorm: training needs more than one value a channel"))
		return y, mean, variance
	}
	m, v := s.MeanAxes(x, axes, false), s.VarAxes(x, axes, false, 0)
	mean = n.blend(s, &n.mean, m)
	variance = n.blend(s, &n.variance, s.VarAxes(x, axes, false, 1))
	return n.normalise(s, x, m, v), mean, variance
}

// Update assigns what Train returned.
func (n *BatchNorm) Update(s *mlx.Scope, mean, variance mlx.Array) {
	Leaf{Name: "running_mean", Param: &n.mean}.Assign(s, mean)
	Leaf{Name: "running_var", Param: &n.variance}.Assign(s, variance)
}

func (n *BatchNorm) blend(s *mlx.Scope, running *Param, batch mlx.Array) mlx.Array {
	mu := orDefault(n.Momentum, 0.1)
	return s.Add(times(s, 1-mu, running.Array()), times(s, mu, batch))
}

func (n *BatchNorm) normalise(s *mlx.Scope, x, mean, variance mlx.Array) mlx.Array {
	scale := s.Rsqrt(plus(s, float64(epsilon(n.Eps)), variance))
	return n.apply(s, s.Multiply(s.Subtract(x, mean), scale))
}

func (n *BatchNorm) params(names []string) []spec {
	dims := []int{n.Dims}
	return slices.Concat(n.specs(names[0], n.Dims, n.NoAffine), []spec{
		{name: join(names[0], "running_mean"), param: &n.mean, shape: dims, init: initializer.Zeros(), buffer: true},
		{name: join(names[0], "running_var"), param: &n.variance, shape: dims, init: initializer.Ones(), buffer: true},
	})
}
