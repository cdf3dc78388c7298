package initializer

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Sparse draws a matrix from a normal distribution and sets the fraction
// sparsity of each row to zero. Martens, 2010, "Deep learning via Hessian-free
// optimization".
func Sparse(sparsity, mean, std float64) Func {
	return func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		if len(shape) != 2 || !(sparsity >= 0 && sparsity <= 1) {
			return refuse(s, "sparse", "a matrix and a sparsity in [0, 1]", shape)
		}
		rows, cols := shape[0], shape[1]
		zeros := int(math.Ceil(sparsity * float64(cols)))
		order := s.ArgsortAxis(Uniform(0, 1)(s, keys, shape, mlx.Float32), 1)
		w := Normal(mean, std)(s, keys, shape, dtype)
		if zeros == 0 {
			return w
		}
		where := s.Slice(order, []int{0, 0}, []int{rows, zeros}, []int{1, 1})
		return s.PutAlongAxis(w, where, s.Zeros([]int{1, 1}, dtype), 1)
	}
}

// Orthogonal makes a matrix whose rows, or columns where those are fewer, are at
// right angles and gain long. It is the Q of a random square matrix, which MLX
// computes on the CPU only.
func Orthogonal(gain float64) Func {
	return func(s *mlx.Scope, keys *mlx.Keys, shape []int, dtype mlx.Dtype) mlx.Array {
		if len(shape) != 2 {
			return refuse(s, "orthogonal", "a matrix", shape)
		}
		n := max(shape[0], shape[1])
		q, r := s.QR(Normal(0, 1)(s, keys, []int{n, n}, mlx.Float32))
		q = s.Multiply(q, s.Sign(s.Diag(r, 0)))
		q = s.Slice(q, []int{0, 0}, shape, []int{1, 1})
		return s.AsType(s.Multiply(q, s.Scalar(gain, mlx.Float32)), dtype)
	}
}
