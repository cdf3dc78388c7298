package nn

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The frequencies of the scalings, as wavelengths (a turn takes 2π times as many
// positions), in single precision and in the order of mlx_lm/models/rope_utils.py.

// hasFreqs reports whether wavelengths stand for Base.
func (r *RoPE) hasFreqs() bool {
	switch r.Scaling.Kind() {
	case "llama3", "yarn", "deepseek_yarn", "longrope", "su", "proportional":
		return true
	}
	return r.Scaling != nil && len(r.Scaling.FreqFactors) > 0
}

// wavelengths are those of the pairs, [Dims/2].
func (r *RoPE) wavelengths(s *mlx.Scope) mlx.Array {
	var waves mlx.Array
	switch r.Scaling.Kind() {
	case "llama3":
		waves = r.llama3(s)
	case "yarn", "deepseek_yarn":
		waves = r.yarn(s)
	case "longrope", "su":
		waves = s.Multiply(f32s(s, r.Scaling.longFactors(r.MaxPositions)), r.powers(s, r.Dims))
	case "proportional":
		waves = r.proportional(s)
	default:
		waves = r.powers(s, r.Dims)
	}
	if len(r.Scaling.FreqFactors) > 0 {
		waves = s.Multiply(waves, f32s(s, r.Scaling.FreqFactors))
	}
	return waves
}

// powers are base^(i/Dims) for the even i below that many dimensions.
func (r *RoPE) powers(s *mlx.Scope, dims int) mlx.Array {
	exponents := s.Divide(s.Arange(0, float64(dims), 2, mlx.Float32), f32(s, float64(r.Dims)))
	return s.Power(f32(s, r.base()), exponents)
}

func f32(s *mlx.Scope, v float64) mlx.Array { return s.Scalar(v, mlx.Float32) }

func f32s(s *mlx.Scope, values []float64) mlx.Array {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return mlx.Const(s, out, len(out))
}

// llama3 builds the frequencies of Llama 3.1: long waves are stretched by the
// factor, short ones kept, those between blended.
func (r *RoPE) llama3(s *mlx.Scope) mlx.Array {
	low, high := r.Scaling.llama3Range()
	context, factor := r.Scaling.context(8192), f32(s, r.Scaling.Factor)
	freqs := r.powers(s, r.Dims)
	waves := times(s, 2*math.Pi, freqs)
	long, short := f32(s, context/low), f32(s, context/high)

	smooth := s.Divide(s.Subtract(s.Divide(f32(s, context), waves), f32(s, low)), f32(s, high-low))
	blend := s.Divide(freqs, s.Add(s.Divide(s.Subtract(f32(s, 1), smooth), factor), smooth))
	freqs = s.Where(s.Greater(waves, long), s.Multiply(freqs, factor), freqs)
	between := s.LogicalAnd(s.Greater(waves, short), s.Less(waves, long))
	return s.Where(between, blend, freqs)
}

// llama3Range bounds the waves that are blended, as parts of the old context.
func (r *RopeScaling) llama3Range() (low, high float64) {
	return orDefault(r.LowFreqFactor, 1), orDefault(r.HighFreqFactor, 4)
}

// context is the length that the model was trained on.
func (r *RopeScaling) context(def float64) float64 {
	return orDefault(r.OriginalMaxPositionEmbeddings, def)
}

// yarn keeps pairs that turn fast in the old context, stretches those that turn
// slowly by the factor, and blends those between by their place.
func (r *RoPE) yarn(s *mlx.Scope) mlx.Array {
	low, high := r.yarnRange()
	extra := r.powers(s, r.Dims)
	inter := times(s, r.Scaling.Factor, extra)
	place := s.Subtract(s.Arange(0, float64(r.Dims/2), 1, mlx.Float32), f32(s, low))
	ramp := s.Clip(s.Divide(place, f32(s, high-low)), f32(s, 0), f32(s, 1))
	mask := s.Subtract(f32(s, 1), ramp)
	blend := s.Add(s.Multiply(inter, mask), s.Multiply(extra, s.Subtract(f32(s, 1), mask)))
	return s.Divide(s.Multiply(inter, extra), blend)
}

// yarnRange is from which pair to which frequencies are blended.
func (r *RoPE) yarnRange() (low, high float64) {
	fast, slow := r.Scaling.betas()
	pair := func(turns float64) float64 {
		return float64(r.Dims) * math.Log(r.Scaling.context(4096)/(turns*2*math.Pi)) / (2 * math.Log(r.base()))
	}
	low, high = pair(fast), pair(slow)
	if r.Scaling.Truncate == nil || *r.Scaling.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(r.Dims-1))
	if low == high {
		high += 0.001
	}
	return low, high
}

// betas are the turns in the old context of pairs that are fast, and slow.
func (r *RopeScaling) betas() (fast, slow float64) {
	return orDefault(r.BetaFast, 32), orDefault(r.BetaSlow, 1)
}

// longFactors are those of LongRoPE. A key stays as it was turned, so that one
// list is for all positions: that of the model's longest text.
func (r *RopeScaling) longFactors(maxPositions int) []float64 {
	if r.fits(maxPositions) {
		return r.ShortFactor
	}
	return r.LongFactor
}

// fits reports whether the model's longest text fits into the old context.
func (r *RopeScaling) fits(maxPositions int) bool {
	return float64(maxPositions) <= r.OriginalMaxPositionEmbeddings
}

// proportional turns the first pairs only, by the frequencies that they have
// among all; the others never come around.
func (r *RoPE) proportional(s *mlx.Scope) mlx.Array {
	turned := int(float64(r.Dims) * orDefault(r.Scaling.PartialRotaryFactor, 1))
	waves := times(s, orDefault(r.Scaling.Factor, 1), r.powers(s, turned))
	still := (r.Dims - turned) / 2
	if still == 0 {
		return waves
	}
	infinite := s.Full([]int{still}, f32(s, math.Inf(1)), mlx.Float32)
	return s.ConcatenateAxis([]mlx.Array{waves, infinite}, 0)
}

// magnitude is what the turned features are multiplied by.
func (r *RoPE) magnitude() float64 {
	c := r.Scaling
	switch c.Kind() {
	case "yarn", "deepseek_yarn":
		mscale := 1.0
		if c.MScale != nil {
			mscale = *c.MScale
		}
		return orDefault(c.AttentionFactor, yarnMScale(c.Factor, mscale)/yarnMScale(c.Factor, c.MScaleAllDim))
	case "longrope", "su":
		grown := 1.0
		if factor := float64(r.MaxPositions) / c.OriginalMaxPositionEmbeddings; factor > 1 {
			grown = math.Sqrt(1 + math.Log(factor)/math.Log(c.OriginalMaxPositionEmbeddings))
		}
		return orDefault(c.AttentionFactor, orDefault(c.LongMScale, grown))
	}
	return 1
}
