package nn

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Mask says which keys a query may look at; the zero Mask hides none.
type Mask struct {
	mode  string
	array mlx.Array
}

// CausalMask hides later keys. It needs no array and is the fastest.
func CausalMask() Mask { return Mask{mode: "causal"} }

// ArrayMask hides keys by an array that broadcasts to [B, H, Lq, Lk]: of Bool,
// true where a query may look, or of numbers that are added to the scores.
func ArrayMask(a mlx.Array) Mask { return Mask{mode: "array", array: a} }

// AdditiveCausalMask makes an array [n, n] for ArrayMask, 0 or the lowest number
// of dtype. See MultiHeadAttention.create_additive_causal_mask of mlx.nn.
func AdditiveCausalMask(s *mlx.Scope, n int, dtype mlx.Dtype) mlx.Array {
	lowest := map[mlx.Dtype]float64{mlx.Float32: -math.MaxFloat32, mlx.Float16: -65504, mlx.BFloat16: -0x1.FEp127}[dtype]
	if lowest == 0 {
		s.Fail(fmt.Errorf("nn: mask: dtype %v is none of float32, float16 and bfloat16", dtype))
		return mlx.Array{}
	}
	at := s.Arange(0, float64(n), 1, mlx.Int32)
	later := s.Less(s.ExpandDims(at, 1), s.ExpandDims(at, 0))
	return s.Multiply(s.AsType(later, dtype), s.Scalar(lowest, dtype))
}

// MultiHeadAttention is mlx.nn's: four projections around scaled dot products.
// Make one with NewMultiHeadAttention; sizes that differ are fields of the
// projections. Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.
type MultiHeadAttention struct {
	Heads     int
	QueryProj Linear `weight:"query_proj"`
	KeyProj   Linear `weight:"key_proj"`
	ValueProj Linear `weight:"value_proj"`
	OutProj   Linear `weight:"out_proj"`
}

// NewMultiHeadAttention makes one without biases whose inputs and outputs are
// all dims wide.
func NewMultiHeadAttention(dims, heads int) MultiHeadAttention {
	square := Linear{In: dims, Out: dims, NoBias: true}
	return MultiHeadAttention{Heads: heads, QueryProj: square, KeyProj: square, ValueProj: square, OutProj: square}
}

// Forward maps queries [B, Lq, D], keys and values [B, Lk, D] to [B, Lq, D].
func (a *MultiHeadAttention) Forward(s *mlx.Scope, queries, keys, values mlx.Array, mask Mask) mlx.Array {
	if !wantDims(s, "MultiHeadAttention", s.Shape(queries), 3, 3) {
		return mlx.Array{}
	}
	q := a.split(s, a.QueryProj.Forward(s, queries)) // [B, H, Lq, d]
	k := a.split(s, a.KeyProj.Forward(s, keys))      // [B, H, Lk, d]
	v := a.split(s, a.ValueProj.Forward(s, values))  // [B, H, Lk, dv]
	if s.Err() != nil {
		return mlx.Array{}
	}
	scale := math.Sqrt(1 / float64(s.Dim(q, -1)))
	out := s.ScaledDotProductAttention(q, k, v, float32(scale), mask.mode, mask.array, mlx.Array{}, false)
	out = s.Flatten(s.TransposeAxes(out, 0, 2, 1, 3), -2, -1) // [B, Lq, H*dv]
	return a.OutProj.Forward(s, out)
}

// split maps [B, L, H*d] to [B, H, L, d].
func (a *MultiHeadAttention) split(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.TransposeAxes(s.Unflatten(x, -1, a.Heads, -1), 0, 2, 1, 3)
}
