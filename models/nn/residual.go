package nn

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// maxFloat16 is the largest number of float16.
const maxFloat16 = 65504

// AddClipped is x + y, kept within the range of float16 where x is one: the
// residuals of some models go beyond it.
func AddClipped(s *mlx.Scope, x, y mlx.Array) mlx.Array {
	if s.DtypeOf(x) != mlx.Float16 {
		return s.Add(x, y)
	}
	sum := s.Add(s.AsType(x, mlx.Float32), s.AsType(y, mlx.Float32))
	return s.AsType(s.Clip(sum, s.Scalar(-maxFloat16, mlx.Float32), s.Scalar(maxFloat16, mlx.Float32)), mlx.Float16)
}

// Residual is the hidden state between two blocks, x + r [B, L, D]. The sum is made
// with the norm that follows, where our own kernel for a CPU does both at once.
type Residual struct {
	x, r    mlx.Array // r may be null
	clipped bool
}

// Plain is a hidden state that is no sum.
func Plain(x mlx.Array) Residual { return Residual{x: x} }

// Plus is the hidden state x + r.
func Plus(x, r mlx.Array) Residual { return Residual{x: x, r: r} }

// PlusClipped is Plus by AddClipped.
func PlusClipped(x, r mlx.Array) Residual { return Residual{x: x, r: r, clipped: true} }

// Sum is the hidden state.
func (h Residual) Sum(s *mlx.Scope) mlx.Array {
	switch {
	case h.r.IsNull():
		return h.x
	case h.clipped:
		return AddClipped(s, h.x, h.r)
	}
	return s.Add(h.x, h.r)
}

// Norm is the hidden state, and its norm by n.
func (h Residual) Norm(s *mlx.Scope, n *RMSNorm) (sum, normed mlx.Array) {
	switch {
	case h.r.IsNull():
		return h.x, n.Forward(s, h.x)
	case h.clipped:
		return n.AddClipped(s, h.x, h.r)
	}
	return n.Add(s, h.x, h.r)
}
