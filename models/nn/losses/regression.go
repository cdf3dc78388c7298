package losses

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// L1 is |predictions - targets|; the reduction is Mean.
func L1(s *mlx.Scope, predictions, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "l1", reduction: Mean}.with(s, opts)
	c.same(s, predictions, targets)
	return c.reduce(s, s.Abs(s.Subtract(predictions, targets)))
}

// MSE is (predictions - targets)^2; the reduction is Mean.
func MSE(s *mlx.Scope, predictions, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "mse", reduction: Mean}.with(s, opts)
	c.same(s, predictions, targets)
	return c.reduce(s, s.Square(s.Subtract(predictions, targets)))
}

// SmoothL1 is a square divided by beta up to a difference of Beta (1), L1 from
// there. The reduction is Mean.
func SmoothL1(s *mlx.Scope, predictions, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "smooth_l1", reduction: Mean, beta: 1}.with(s, opts, "Beta")
	c.same(s, predictions, targets)
	diff := s.Abs(s.Subtract(predictions, targets))
	square := s.Multiply(s.Square(diff), num(s, 0.5/c.beta, diff))
	line := s.Subtract(diff, num(s, 0.5*c.beta, diff))
	return c.reduce(s, s.Where(s.Less(diff, num(s, c.beta, diff)), square, line))
}

// Huber is half a square up to a difference of Delta (1), a line from there.
// The reduction is None.
func Huber(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "huber", reduction: None, delta: 1}.with(s, opts, "Delta")
	diff := s.Abs(s.Subtract(inputs, targets))
	delta := num(s, c.delta, diff)
	near := s.Minimum(diff, delta)
	far := s.Subtract(diff, near)
	return c.reduce(s, s.Add(s.Multiply(num(s, 0.5, near), s.Square(near)), s.Multiply(delta, far)))
}

// LogCosh is log(cosh(inputs - targets)); the reduction is None.
func LogCosh(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "log_cosh", reduction: None}.with(s, opts)
	diff := s.Subtract(inputs, targets)
	return c.reduce(s, s.Subtract(s.LogAddExp(diff, s.Negative(diff)), num(s, math.Ln2, diff)))
}

// GaussianNLL is the negative log likelihood of targets under normal
// distributions with means inputs and variances vars, which count at least Eps
// (1e-6). Options: Full, Eps; the reduction is Mean.
func GaussianNLL(s *mlx.Scope, inputs, targets, vars mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "gaussian_nll", reduction: Mean, eps: 1e-6}.with(s, opts, "Full", "Eps")
	c.same(s, inputs, targets)
	c.same(s, inputs, vars)
	vars = s.Maximum(vars, num(s, c.eps, vars))
	loss := s.Add(s.Log(vars), s.Divide(s.Square(s.Subtract(targets, inputs)), vars))
	loss = s.Multiply(num(s, 0.5, loss), loss)
	if c.full {
		loss = s.Add(loss, num(s, 0.5*math.Log(2*math.Pi), loss))
	}
	return c.reduce(s, loss)
}
