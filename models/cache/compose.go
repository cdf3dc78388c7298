package cache

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// number is the key of a number as an array.
type number struct {
	value float32
	dtype mlx.Dtype
}

// constant is a number as an array, made once in a Build.
func constant(s *mlx.Scope, value float32, dtype mlx.Dtype) mlx.Array {
	return once(s, number{value, dtype}, func() mlx.Array { return s.Scalar(float64(value), dtype) })
}

// compose is attention of plain operations: q of shape [B, Hq, L, d] over k and v
// [B, Hkv, T, d]. The queries that share a head of keys are rows of one product,
// where MLX composes a product for each and more reshaping (mlx/fast.cpp).
func compose(s *mlx.Scope, q mlx.Array, k, v operand, a Attention, m mask, shape []int) mlx.Array {
	dtype := s.DtypeOf(q)
	kvHeads, keys := s.Dim(k.parts[0], 1), s.Dim(k.parts[0], 2)
	b, heads, l, d := shape[0], shape[1], shape[2], shape[3]
	if s.Err() == nil && (kvHeads == 0 || heads%kvHeads != 0) {
		s.Fail(fmt.Errorf("cache: %d heads of queries for %d of keys", heads, kvHeads))
	}
	if s.Err() != nil {
		return q
	}
	shared := heads / kvHeads
	rows := s.Reshape(s.Multiply(q, constant(s, a.Scale, dtype)), b, kvHeads, shared*l, d)
	scores := k.dot(s, rows) // [B, Hkv, Hq/Hkv*L, T]
	if a.Softcap != 0 {
		limit := constant(s, a.Softcap, dtype)
		scores = s.Multiply(s.Tanh(s.Divide(scores, limit)), limit)
	}
	if m.causal {
		m.array = bandOf(s, band{queries: l, keys: keys})
	}
	switch {
	case m.array.IsNull():
	case l == 1: // the heads are the rows
		scores = s.Where(m.array, scores, constant(s, lowest[dtype], dtype))
	default:
		scores = hide(s, s.Reshape(scores, b, kvHeads, shared, l, -1), m.array, dtype)
		scores = s.Reshape(scores, b, kvHeads, shared*l, -1)
	}
	weights := softmax(s, scores, a.Sinks, kvHeads, l)
	return s.Reshape(v.mix(s, weights), b, heads, l, -1)
}

// softmax is that of scores [B, Hkv, Hq/Hkv*L, T], among which is a sink for each
// head of queries, of no value.
func softmax(s *mlx.Scope, scores, sinks mlx.Array, kvHeads, l int) mlx.Array {
	if sinks.IsNull() {
		return s.SoftmaxAxis(scores, -1, true)
	}
	shape := s.Shape(scores)
	if len(shape) != 4 {
		return scores // an error went before
	}
	sinks = s.AsType(s.Reshape(sinks, 1, kvHeads, -1, 1, 1), s.DtypeOf(scores))
	sinks = s.BroadcastTo(sinks, shape[0], kvHeads, shape[2]/l, l, 1)
	sinks = s.Reshape(sinks, shape[0], kvHeads, shape[2], 1)
	weights := s.SoftmaxAxis(s.ConcatenateAxis([]mlx.Array{sinks, scores}, -1), -1, true)
	return s.Slice(weights, []int{0, 0, 0, 1}, []int{shape[0], shape[1], shape[2], shape[3] + 1}, ones4)
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
