package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// attention is the policy in one place: MLX's fused kernel, causal by mode where
// there is more than one query. An array mask would turn it off. On a CPU there is
// no such kernel, and a single query has a shorter way.
func attention(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array {
	shape := s.Shape(q)
	if s.Device().Type == mlx.CPU {
		if keys := s.Shape(k); single(shape, keys, s.Shape(v)) {
			return attendSingle(s, q, k, v, scale, shape, keys[1])
		}
	}
	mode := ""
	if len(shape) == 4 && shape[2] > 1 {
		mode = "causal"
	}
	return s.ScaledDotProductAttention(q, k, v, scale, mode, mlx.Array{}, mlx.Array{}, false)
}

// single reports whether the shapes are those of one query a head, and fit.
// MLX says what is wrong with the others.
func single(q, k, v []int) bool {
	return len(q) == 4 && len(k) == 4 && len(v) == 4 && q[2] == 1 &&
		q[0] == k[0] && k[0] == v[0] && k[1] == v[1] && k[1] > 0 && q[1]%k[1] == 0 && k[2] == v[2] && q[3] == k[3]
}

// scaling is the key of a scale as an array.
type scaling struct {
	scale float32
	dtype mlx.Dtype
}

// attendSingle is the attention of one query a head: q [B, Hq, 1, d] over k and v
// [B, Hkv, T, d]. The queries that share a head of keys are rows of one product,
// where MLX composes a product for each and more reshaping (mlx/fast.cpp). The
// shape is that of q, kvHeads is Hkv.
func attendSingle(s *mlx.Scope, q, k, v mlx.Array, scale float32, shape []int, kvHeads int) mlx.Array {
	dtype := s.DtypeOf(q)
	factor := s.Once(scaling{scale, dtype}, func() []mlx.Array { return []mlx.Array{s.Scalar(float64(scale), dtype)} })
	if len(factor) == 0 {
		return q // an error went before
	}
	b, heads, d := shape[0], shape[1], shape[3]
	rows := s.Reshape(s.Multiply(q, factor[0]), b, kvHeads, heads/kvHeads, d)
	scores := s.Matmul(rows, s.TransposeAxes(k, 0, 1, 3, 2)) // [B, Hkv, Hq/Hkv, T]
	out := s.Matmul(s.SoftmaxAxis(scores, -1, true), v)      // [B, Hkv, Hq/Hkv, dv]
	return s.Reshape(out, b, heads, 1, -1)
}
