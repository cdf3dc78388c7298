package nn

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// RoPE turns pairs of features by angles that grow with the position.
// Su et al., 2021, https://arxiv.org/abs/2104.09864.
type RoPE struct {
	Dims        int     // how many features are turned, the first ones
	Base        float64 // 0 is 10000
	Traditional bool    // pairs are neighbours instead of halves
	Scale       float64 // of the positions, beside Scaling; 0 is 1
	Scaling     *RopeScaling
	// MaxPositions is config.json's max_position_embeddings, by which dynamic and
	// longrope go.
	MaxPositions int

	freqs  mlx.Array // [Dims/2] instead of Base, for scalings by frequency
	mscale float64   // of the turned features; 0 is 1
	lookup bool      // angles are looked up
	speed  mlx.Array // [Dims/2] angle a position, for that, unless it is dynamic
	id     string    // of Scaling
}

// Validate refuses a base that is no number above 0, features that are no pairs,
// and a scaling that is unknown or lacks its parameters.
func (r *RoPE) Validate() error {
	if b := r.base(); !(b > 0) || math.IsInf(b, 0) {
		return fmt.Errorf("rope_theta is %v, want a positive number", b)
	}
	if r.Dims <= 0 || r.Dims%2 != 0 {
		return fmt.Errorf("head_dim and partial_rotary_factor give %d features to turn, want an even number", r.Dims)
	}
	return r.Scaling.validate(r.Dims/2, r.MaxPositions)
}

// Position is where the first token of a pass stands.
type Position struct {
	Offset int       // of every row
	Rows   mlx.Array // int32 [B] instead, where the rows of a batch differ
}

// At is a position that all rows share.
func At(offset int) Position { return Position{Offset: offset} }

// Forward turns x [B, H, L, d], d >= Dims, whose first token stands at a position.
// A nil RoPE turns nothing.
func (r *RoPE) Forward(s *mlx.Scope, x mlx.Array, at Position) mlx.Array {
	shape := s.Shape(x)
	if r == nil || len(shape) != 4 {
		return x // if not nil, an error went before
	}
	if shape[3] < r.Dims {
		s.Fail(fmt.Errorf("nn: RoPE: %v has no %d features", shape, r.Dims))
		return mlx.Array{}
	}
	if r.lookup {
		return r.turn(s, x, shape, at)
	}
	x = dense(s, r.magnify(s, x, shape[3]), shape)
	base, freqs := r.settings(s, at, shape[2])
	return s.RoPEDynamic(x, r.Dims, r.Traditional, base, r.scale(), at.array(s), freqs)
}

// array is the position as an array, made once in a Build: MLX would make one for
// each call.
func (p Position) array(s *mlx.Scope) mlx.Array {
	if !p.Rows.IsNull() {
		return p.Rows
	}
	made := s.Once(p, func() []mlx.Array { return []mlx.Array{s.Scalar(float64(p.Offset), mlx.Int32)} })
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}

func (r *RoPE) base() float64 { return orDefault(r.Base, 10000) }

// settings are what MLX wants one of: a base, or wavelengths.
func (r *RoPE) settings(s *mlx.Scope, at Position, length int) (base mlx.OptionalFloat, freqs mlx.Array) {
	switch {
	case !r.freqs.IsNull():
		return base, r.freqs
	case r.dynamic() && !at.Rows.IsNull():
		return base, s.Reciprocal(r.speedAt(s, at, length))
	}
	return mlx.SomeFloat(float32(r.baseOf(at.Offset + length))), freqs
}

// scale is what positions are multiplied by.
func (r *RoPE) scale() float32 {
	scale := orDefault(r.Scale, 1)
	if r.Scaling.Kind() == "linear" {
		scale /= r.Scaling.Factor
	}
	return float32(scale)
}

// magnify multiplies the features of x [..., width] that are turned.
func (r *RoPE) magnify(s *mlx.Scope, x mlx.Array, width int) mlx.Array {
	if orDefault(r.mscale, 1) == 1 {
		return x
	}
	m := num(s, r.mscale, x)
	if width > r.Dims {
		dtype := s.DtypeOf(x)
		m = s.ConcatenateAxis([]mlx.Array{s.Full([]int{r.Dims}, m, dtype), s.Ones([]int{width - r.Dims}, dtype)}, 0)
	}
	return s.Multiply(x, m)
}

// dense makes x [B, H, L, d] contiguous unless it has one row a head. MLX's CUDA
// kernel gives its output the strides of its input without room for the gaps
// between them: for a part of a fused projection it writes past the end (MLX
// 0.32.2, backend/cuda/rope.cu).
func dense(s *mlx.Scope, x mlx.Array, shape []int) mlx.Array {
	if shape[0]*shape[2] == 1 {
		return x
	}
	return s.Contiguous(x, false)
}

// params: a RoPE has no weights of its own.
func (r *RoPE) params([]string) []spec { return nil }

// prepare makes the frequencies and speeds.
func (r *RoPE) prepare(w workshop) error {
	if err := r.Validate(); err != nil {
		return err
	}
	r.mscale, r.id = r.magnitude(), r.Scaling.id()
	if r.hasFreqs() {
		var err error
		if r.freqs, err = w.make(r.wavelengths); err != nil {
			return err
		}
	}
	return r.makeSpeed(w)
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
