package cache

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Attention is how the queries of a layer weigh the keys.
type Attention struct {
	Scale   float32   // of the products
	Softcap float32   // bounds the scores: cap*tanh(score/cap); 0 does not
	Sinks   mlx.Array // [Hq] scores of a key that has no value; null for none
	Latent  *Latent   // reads compressed keys and values, without Softcap and Sinks; nil for none
}

// attend is the policy in one place: MLX's fused kernel, causal by mode where
// there is more than one query, for an array mask turns it off. On a CPU there is
// no such kernel, and a single query has a shorter way.
func attend(s *mlx.Scope, q, k, v mlx.Array, a Attention, m mask) mlx.Array {
	if a.Latent != nil {
		return attendLatent(s, q, k, v, a, m)
	}
	shape := s.Shape(q)
	if a.Softcap != 0 && len(shape) == 4 {
		return compose(s, q, k, v, a, m, shape)
	}
	if s.Device().Type == mlx.CPU && a.Sinks.IsNull() && m == (mask{}) {
		if keys := s.Shape(k); single(shape, keys, s.Shape(v)) {
			return compose(s, q, k, v, a, m, shape)
		}
	}
	mode := ""
	switch {
	case m.causal:
		mode = "causal"
	case !m.array.IsNull():
		mode = "array"
	}
	return s.ScaledDotProductAttention(q, k, v, a.Scale, mode, m.array, a.Sinks, false)
}

// single reports whether the shapes are those of one query a head, and fit.
// MLX says what is wrong with the others.
func single(q, k, v []int) bool {
	return len(q) == 4 && len(k) == 4 && len(v) == 4 && q[2] == 1 &&
		q[0] == k[0] && k[0] == v[0] && k[1] == v[1] && k[1] > 0 && q[1]%k[1] == 0 && k[2] == v[2] && q[3] == k[3]
}

// number is the key of a number as an array.
type number struct {
	value float32
	dtype mlx.Dtype
}

// constant is a number as an array, made once in a Build.
func constant(s *mlx.Scope, value float32, dtype mlx.Dtype) mlx.Array {
	made := s.Once(number{value, dtype}, func() []mlx.Array { return []mlx.Array{s.Scalar(float64(value), dtype)} })
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}

// compose is attention of plain operations: q of shape [B, Hq, L, d] over k and v
// [B, Hkv, T, d]. The queries that share a head of keys are rows of one product,
// where MLX composes a product for each and more reshaping (mlx/fast.cpp).
func compose(s *mlx.Scope, q, k, v mlx.Array, a Attention, m mask, shape []int) mlx.Array {
	dtype := s.DtypeOf(q)
	kvHeads := s.Dim(k, 1)
	if s.Err() != nil || kvHeads == 0 {
		return q
	}
	b, heads, l, d := shape[0], shape[1], shape[2], shape[3]
	shared := heads / kvHeads
	rows := s.Reshape(s.Multiply(q, constant(s, a.Scale, dtype)), b, kvHeads, shared*l, d)
	scores := s.Matmul(rows, s.TransposeAxes(k, 0, 1, 3, 2)) // [B, Hkv, Hq/Hkv*L, T]
	if a.Softcap != 0 {
		limit := constant(s, a.Softcap, dtype)
		scores = s.Multiply(s.Tanh(s.Divide(scores, limit)), limit)
	}
	if m.causal {
		keys := s.Dim(k, 2)
		m.array = bandOf(s, band{l, keys, keys})
	}
	if !m.array.IsNull() {
		scores = hide(s, s.Reshape(scores, b, kvHeads, shared, l, -1), m.array, dtype)
		scores = s.Reshape(scores, b, kvHeads, shared*l, -1)
	}
	out := s.Matmul(s.SoftmaxAxis(scores, -1, true), v) // [B, Hkv, Hq/Hkv*L, dv]
	return s.Reshape(out, b, heads, l, -1)
}

// hide lowers the scores [B, Hkv, Hq/Hkv, L, T] of keys that the mask, which
// broadcasts to [B, 1, L, T], hides.
func hide(s *mlx.Scope, scores, mask mlx.Array, dtype mlx.Dtype) mlx.Array {
	if s.Ndim(mask) == 4 {
		mask = s.ExpandDims(mask, 1)
	}
	return s.Where(mask, scores, constant(s, lowest[dtype], dtype))
}

// lowest are the least numbers of the types that attention runs in.
var lowest = map[mlx.Dtype]float32{mlx.Float32: -math.MaxFloat32, mlx.Float16: -65504, mlx.BFloat16: -0x1.FEp127}
