package nn

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GeGLU is gelu(gate) * up, gelu by a tanh. Shazeer, 2020,
// https://arxiv.org/abs/2002.05202.
func GeGLU(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
	return s.Multiply(GELUApprox(s, gate), up)
}

// Softcap bounds x: cap*tanh(x/cap). It is x where cap is 0.
func Softcap(s *mlx.Scope, x mlx.Array, cap float32) mlx.Array {
	if cap == 0 {
		return x
	}
	limit := num(s, float64(cap), x)
	return s.Multiply(s.Tanh(s.Divide(x, limit)), limit)
}

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
