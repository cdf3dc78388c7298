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
