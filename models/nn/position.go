package nn

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// SinusoidalPositionalEncoding maps positions to sines and cosines of
// frequencies between MinFreq and MaxFreq. Vaswani et al., 2017,
// https://arxiv.org/abs/1706.03762. It has no state and needs no tag.
type SinusoidalPositionalEncoding struct {
	Dims      int     // even
	MinFreq   float64 // 0 is 1e-4
	MaxFreq   float64 // 0 is 1
	Scale     float64 // 0 is sqrt(2/Dims)
	CosFirst  bool    // cosines come before sines
	FullTurns bool    // frequencies count turns, not radians
}

// Forward maps x [...] to [..., Dims].
func (p SinusoidalPositionalEncoding) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	if p.Dims <= 0 || p.Dims%2 != 0 {
		s.Fail(fmt.Errorf("nn: SinusoidalPositionalEncoding: %d dimensions are not even and positive", p.Dims))
		return mlx.Array{}
	}
	y := s.Multiply(s.ExpandDims(x, -1), p.frequencies(s))
	parts := []mlx.Array{s.Sin(y), s.Cos(y)}
	if p.CosFirst {
		parts[0], parts[1] = parts[1], parts[0]
	}
	return times(s, orDefault(p.Scale, math.Sqrt(2/float64(p.Dims))), s.ConcatenateAxis(parts, -1))
}

// frequencies [Dims/2] fall from MaxFreq to MinFreq, evenly in their logarithms.
func (p SinusoidalPositionalEncoding) frequencies(s *mlx.Scope) mlx.Array {
	n := p.Dims / 2
	low, high := math.Log(orDefault(p.MinFreq, 1e-4)), math.Log(orDefault(p.MaxFreq, 1))
	at := s.Ones([]int{1}, mlx.Float32)
	if n > 1 {
		at = s.Divide(s.Arange(0, float64(n), 1, mlx.Float32), s.Scalar(float64(n-1), mlx.Float32))
		at = s.Subtract(s.Scalar(1, mlx.Float32), at)
	}
	f := s.Exp(plus(s, low, times(s, high-low, at)))
	if p.FullTurns {
		f = times(s, 2*math.Pi, f)
	}
	return f
}

// ALiBi adds to scores [B, H, Lq, Lk] a penalty that grows with the distance, at
// a slope of its own for each head, and a mask unless that is null. The first
// query stands at offset. Press et al., 2021, https://arxiv.org/abs/2108.12409.
func ALiBi(s *mlx.Scope, scores mlx.Array, offset int, mask mlx.Array) mlx.Array {
	shape := s.Shape(scores)
	if !wantDims(s, "ALiBi", shape, 4, 4) {
		return mlx.Array{}
	}
	queries, keys := shape[2], shape[3]
	q := s.Arange(float64(offset), float64(offset+queries), 1, mlx.Int32)
	k := s.Arange(0, float64(keys), 1, mlx.Int32)
	distance := s.Abs(s.Subtract(s.ExpandDims(q, 1), s.ExpandDims(k, 0))) // [Lq, Lk]
	slopes := mlx.Const(s, alibiSlopes(shape[1]), shape[1], 1, 1)
	bias := s.AsType(s.Negative(s.Multiply(distance, slopes)), s.DtypeOf(scores))
	if !mask.IsNull() {
		bias = s.Add(bias, mask)
	}
	return s.Add(scores, bias)
}

// alibiSlopes are a geometric series for a power of two of heads; for other
// numbers every other slope of twice as many fills up.
func alibiSlopes(heads int) []float32 {
	n := 1
	for 2*n <= heads {
		n *= 2
	}
	slopes := make([]float32, 0, heads)
	start := math.Exp2(-8 / float64(n))
	for i := range n {
		slopes = append(slopes, float32(start*math.Pow(start, float64(i))))
	}
	if n == heads {
		return slopes
	}
	more := alibiSlopes(2 * n)
	for i := 0; len(slopes) < heads; i += 2 {
		slopes = append(slopes, more[i])
	}
	return slopes
}
