package nn

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// On a CPU MLX composes rope of some thirty operations, sines and cosines
// included, in each call. Here a forward pass computes the angles once, all its
// layers look them up, and a call is eight operations, with the same roundings.

// angles is the key of the sines and cosines that layers which turn alike share.
type angles struct {
	dims           int
	base           float64
	scale          float32
	scaling        RopeScaling
	offset, length int
}

// makeSpeed makes the angle by which each pair turns a position, where Forward
// looks angles up: for halves in float32 on a CPU.
func (r *RoPE) makeSpeed(w workshop) error {
	device, err := w.t.Device()
	if err != nil || device.Type != mlx.CPU || w.dtype != mlx.Float32 || r.Traditional {
		return err
	}
	r.speed, err = w.make(func(s *mlx.Scope) mlx.Array {
		if !r.freqs.IsNull() {
			return s.Reciprocal(r.freqs)
		}
		half := r.Dims / 2
		step := float32(math.Log(float64(float32(r.base())))) / float32(half)
		return s.Exp(s.Multiply(s.Arange(0, float64(-half), -1, mlx.Float32), s.Scalar(float64(step), mlx.Float32)))
	})
	return err
}

// turn is x cos + (x2, x1) (-sin, sin) for x = (x1, x2) [B, H, L, d].
func (r *RoPE) turn(s *mlx.Scope, x mlx.Array, shape []int, offset int) mlx.Array {
	b, h, l, d := shape[0], shape[1], shape[2], shape[3]
	cos, sin := r.angles(s, offset, l) // [L, d]
	x1 := s.Slice(x, []int{0, 0, 0, 0}, []int{b, h, l, d / 2}, ones4)
	x2 := s.Slice(x, []int{0, 0, 0, d / 2}, []int{b, h, l, d}, ones4)
	return s.Add(s.Multiply(x, cos), s.Multiply(s.ConcatenateAxis([]mlx.Array{x2, x1}, -1), sin))
}

var ones4 = []int{1, 1, 1, 1}

// angles returns (cos, cos) and (-sin, sin) [L, d] of the positions from offset
// on, made once in a Build.
func (r *RoPE) angles(s *mlx.Scope, offset, length int) (cos, sin mlx.Array) {
	key := angles{dims: r.Dims, base: r.base(), scale: r.scale(), offset: offset, length: length}
	if r.Scaling != nil {
		key.scaling = *r.Scaling
	}
	return Two(s.Once(key, func() []mlx.Array {
		positions := s.Arange(float64(offset), float64(offset+length), 1, mlx.Float32)
		if key.scale != 1 {
			positions = s.Multiply(positions, s.Scalar(float64(key.scale), mlx.Float32))
		}
		theta := s.Multiply(s.Reshape(positions, length, 1), r.speed) // [L, d/2]
		cos, sin := s.Cos(theta), s.Sin(theta)
		return []mlx.Array{
			s.ConcatenateAxis([]mlx.Array{cos, cos}, -1),
			s.ConcatenateAxis([]mlx.Array{s.Negative(sin), sin}, -1),
		}
	}))
}
