package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// deltaChunk is how many positions a chunk has at most, a power of two.
const deltaChunk = 64

// chunks runs the delta rule chunk by chunk: within one everything is products of
// matrices, and only the state goes from one to the next. Yang et al., 2024,
// https://arxiv.org/abs/2406.06484, with the decays of 2412.06464. With W_ij the
// decay from j to i, e_i that from the chunk's beginning to i, and
// A = tril(beta_i W_ij k_i.k_j, -1), the rows that the state S gets are
//
//	R = (I + A)^-1 beta (v - e k S^T)
//
// the results e q S^T + tril(W q k^T) R, and the next state e_C S + R^T (W_C k).
func (d DeltaRule) chunks(s *mlx.Scope, n deltaSizes, state mlx.Array) (y, next mlx.Array) {
	size := 1
	for size < min(n.length, deltaChunk) {
		size *= 2
	}
	count := (n.length + size - 1) / size
	cut := func(x mlx.Array, shared int) mlx.Array { return n.cut(s, x, count, size, shared) }
	q, k, v := cut(d.Q, 1), cut(d.K, 1), cut(d.V, n.shared) // [N, B, Hk, 1 or r, C, D]
	beta, decay := cut(d.Beta, n.shared), cut(d.Decay, n.shared)
	masks := deltaMasks(s, size)
	if s.Err() != nil {
		return mlx.Array{}, mlx.Array{}
	}
	weights := decays(s, decay, masks)                                        // W [N, B, Hk, r, C, C]
	since := s.Exp(s.CumsumAxis(decay, -2, false, true, mlx.OptionalDtype{})) // e [N, B, Hk, r, C, 1]
	last := row(s, weights, size-1)                                           // W_C [N, B, Hk, r, 1, C]
	columns := s.SwapAxes(k, -1, -2)                                          // [N, B, Hk, 1, Dk, C]
	a := s.Multiply(s.Multiply(beta, weights), s.Matmul(k, columns))
	inverse := unitInverse(s, a, masks[2:])
	parts := [][]mlx.Array{
		s.Split(s.Matmul(inverse, s.Multiply(beta, v)), count, 0),                    // [1, B, Hk, r, C, Dv]
		s.Split(s.Matmul(inverse, s.Multiply(s.Multiply(beta, since), k)), count, 0), // [1, B, Hk, r, C, Dk]
		s.Split(s.Multiply(since, q), count, 0),                                      // [1, B, Hk, r, C, Dk]
		s.Split(s.Multiply(weights, s.Matmul(q, columns)), count, 0),                 // [1, B, Hk, r, C, C]
		s.Split(s.Multiply(columns, last), count, 0),                                 // [1, B, Hk, r, Dk, C]
		s.Split(row(s, since, size-1), count, 0),                                     // [1, B, Hk, r, 1, 1]
	}
	state = s.SwapAxes(s.Reshape(state, 1, n.batch, n.heads, n.shared, n.valueDim, n.keyDim), -1, -2)
	var out []mlx.Array
	for i := 0; i < count && s.Err() == nil; i++ {
		rows := s.Addmm(parts[0][i], parts[1][i], state, -1, 1)
		out = append(out, s.Addmm(s.Matmul(parts[2][i], state), parts[3][i], rows, 1, 1))
		state = s.Addmm(s.Multiply(parts[5][i], state), parts[4][i], rows, 1, 1)
	}
	y = s.TransposeAxes(concat(s, out, 0), 1, 0, 4, 2, 3, 5) // [B, N, C, Hk, r, Dv]
	y = s.Reshape(y, n.batch, count*size, n.heads*n.shared, n.valueDim)
	y = s.Slice(y, []int{0, 0, 0, 0}, []int{n.batch, n.length, n.heads * n.shared, n.valueDim}, []int{1, 1, 1, 1})
	return y, s.SwapAxes(state, -1, -2)
}

// cut maps x [B, L, H, D], or [B, L, H], to chunks [N, B, Hk, H/Hk, C, D]. Zeros
// fill up the last one: positions that change nothing.
func (n deltaSizes) cut(s *mlx.Scope, x mlx.Array, count, size, shared int) mlx.Array {
	if fill := count*size - n.length; fill > 0 {
		shape := s.Shape(x)
		shape[1] = fill
		x = s.ConcatenateAxis([]mlx.Array{x, s.Zeros(shape, mlx.Float32)}, 1)
	}
	x = s.Reshape(x, n.batch, count, size, n.heads, shared, -1)
	return s.TransposeAxes(x, 1, 0, 3, 4, 2, 5)
}

// row is row i of x [N, B, Hk, r, C, D], [N, B, Hk, r, 1, D].
func row(s *mlx.Scope, x mlx.Array, i int) mlx.Array {
	stop := s.Shape(x)
	if s.Err() != nil {
		return x
	}
	start := make([]int, len(stop))
	start[4], stop[4] = i, i+1
	return s.Slice(x, start, stop, []int{1, 1, 1, 1, 1, 1})
}

// decays maps logarithms [..., C, 1] to the product of the decays of the positions
// j+1 to i [..., C, C], 0 where j is behind i. Their logarithms are summed for each
// pair: the difference of two long sums would be less exact.
func decays(s *mlx.Scope, decay mlx.Array, masks []mlx.Array) mlx.Array {
	zero := s.Scalar(0, mlx.Float32)
	sums := s.CumsumAxis(s.Where(masks[0], decay, zero), -2, false, true, mlx.OptionalDtype{})
	return s.Where(masks[1], s.Exp(sums), zero)
}

// unitInverse is (I + A)^-1 for the lower triangle of a [..., C, C] without its
// diagonal. Blocks on the diagonal that are inverted make the inverses of blocks
// of twice the size, which is as stable as substitution and takes log C steps; the
// powers of A, which would take as many, can be huge.
func unitInverse(s *mlx.Scope, a mlx.Array, levels []mlx.Array) mlx.Array {
	var x mlx.Array
	for i, level := range levels {
		below := s.Multiply(a, level)
		if i == 0 {
			x = s.Subtract(s.Eye(s.Dim(a, -1), s.Dim(a, -1), 0, mlx.Float32), below)
			continue
		}
		x = s.Addmm(x, s.Matmul(x, below), x, -1, 1)
	}
	return x
}

// deltaMaskKey is what masks of a size are made once by.
type deltaMaskKey int

// deltaMasks are of shape [C, C]: the lower triangle without the diagonal and with
// it, as Bool, and for each power of two below C, as float32, what is left of the
// diagonal's blocks of that size in blocks of twice that.
func deltaMasks(s *mlx.Scope, size int) []mlx.Array {
	return s.Once(deltaMaskKey(size), func() []mlx.Array {
		masks := []mlx.Array{
			mlx.Const(s, square(size, func(i, j int) bool { return i > j }), size, size),
			mlx.Const(s, square(size, func(i, j int) bool { return i >= j }), size, size),
		}
		for n := 1; n < size; n *= 2 {
			level := square(size, func(i, j int) float32 {
				if i/n%2 == 1 && j/n == i/n-1 {
					return 1
				}
				return 0
			})
			masks = append(masks, mlx.Const(s, level, size, size))
		}
		return masks
	})
}

// square lists f of the rows i and columns j.
func square[T any](size int, f func(i, j int) T) []T {
	out := make([]T, 0, size*size)
	for i := range size {
		for j := range size {
			out = append(out, f(i, j))
		}
	}
	return out
}
