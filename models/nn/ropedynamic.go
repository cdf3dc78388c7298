package nn

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A dynamic scaling grows the base with the text beyond the model's context, so
// that the slowest pair turns no further. Keys stay as they were turned. As
// mlx_lm.models.rope_utils.DynamicNTKScalingRoPE.

// dynamic reports whether the base goes by the length.
func (r *RoPE) dynamic() bool { return r.Scaling.Kind() == "dynamic" }

// baseOf is the base for a text of that length.
func (r *RoPE) baseOf(length int) float64 {
	if !r.dynamic() {
		return r.base()
	}
	factor, context := r.Scaling.Factor, float64(r.MaxPositions)
	grown := factor*max(float64(length), context)/context - (factor - 1)
	return r.base() * math.Pow(grown, r.growth())
}

// growth is by which power of the text's growth the base grows.
func (r *RoPE) growth() float64 { return float64(r.Dims) / float64(r.Dims-2) }

// rowsBase is baseOf the longest row of a batch.
func (r *RoPE) rowsBase(s *mlx.Scope, rows mlx.Array, length int) mlx.Array {
	factor, context := r.Scaling.Factor, float64(r.MaxPositions)
	longest := plus(s, float64(length), s.AsType(s.Max(rows, false), mlx.Float32))
	longest = s.Maximum(longest, f32(s, context))
	grown := plus(s, -(factor - 1), times(s, factor/context, longest))
	return times(s, r.base(), s.Power(grown, f32(s, r.growth())))
}
