package nn

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// PositionScale multiplies queries by 1 + Beta log(1 + floor(position/Context)), so
// that attention stays sharp over many keys: attn_temperature_tuning of Llama 4,
// llama_4_scaling_beta of Ministral 3. As _get_llama_4_attn_scale of mlx-lm.
type PositionScale struct {
	Beta    float64 // 0 leaves everything alone
	Context float64 // positions below it are left alone
}

// Validate refuses what is no scale.
func (p PositionScale) Validate() error {
	if p.Beta == 0 {
		return nil
	}
	if !(p.Beta > 0) || math.IsInf(p.Beta, 0) || !(p.Context >= 1) || math.IsInf(p.Context, 0) {
		return fmt.Errorf("beta %v and context %v, want numbers of at least 0 and 1", p.Beta, p.Context)
	}
	return nil
}

// positionScale is the key of the scales that layers share.
type positionScale struct {
	PositionScale
	at     Position
	length int
	dtype  mlx.Dtype
}

// Forward maps queries q [B, H, L, d], the first of which stands at a position, to
// the same shape.
func (p PositionScale) Forward(s *mlx.Scope, q mlx.Array, at Position) mlx.Array {
	shape := s.Shape(q)
	if len(shape) != 4 {
		return q // an error went before
	}
	if p.Beta == 0 || at.Rows.IsNull() && float64(at.Offset+shape[2]) <= p.Context {
		return q
	}
	key := positionScale{p, at, shape[2], s.DtypeOf(q)}
	scales := s.Once(key, func() []mlx.Array {
		turns := s.Floor(s.Divide(positions(s, at, shape[2]), f32(s, p.Context)))
		scale := plus(s, 1, times(s, p.Beta, s.Log(plus(s, 1, turns))))
		return []mlx.Array{s.AsType(scale, key.dtype)} // [L, 1], or [B, 1, L, 1]
	})
	if len(scales) == 0 {
		return q // an error went before
	}
	return s.Multiply(q, scales[0])
}
