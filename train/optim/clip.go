package optim

import (
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ClipNorm scales gradients down to a norm of most over all of them together, where
// it is more, and returns the norm they had, a scalar of float32. They keep their
// types. See mlx.optimizers.clip_grad_norm.
func ClipNorm(s *mlx.Scope, grads []mlx.Array, most float64) (clipped []mlx.Array, norm mlx.Array) {
	if !(most >= 0) {
		s.Fail(fmt.Errorf("optim: gradients clipped to a norm of %v", most))
		return nil, mlx.Array{}
	}
	norm = Norm(s, grads)
	factor := s.Divide(s.Scalar(most, mlx.Float32), s.Add(norm, s.Scalar(1e-6, mlx.Float32)))
	factor = s.Minimum(factor, s.Scalar(1, mlx.Float32))
	for _, g := range grads {
		clipped = append(clipped, s.AsType(s.Multiply(g, factor), s.DtypeOf(g)))
	}
	return clipped, norm
}

// Norm is the length of all gradients together, a scalar of float32, and computed
// as that: squares of 16 bits vanish, and their sum stands still at 256 times a term,
// as mlx.optimizers' does.
func Norm(s *mlx.Scope, grads []mlx.Array) mlx.Array {
	total := s.Scalar(0, mlx.Float32)
	for _, g := range grads {
		total = s.Add(total, s.Sum(s.Square(s.AsType(g, mlx.Float32)), false))
	}
	return s.Sqrt(total)
}
