package nn

import (
	"encoding/json"
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// RopeScaling is config.json's rope_scaling: how positions beyond the trained
// context are squeezed.
type RopeScaling struct {
	RopeType                      string  `json:"rope_type"`
	Type                          string  `json:"type"` // the older name of rope_type
	Factor                        float64 `json:"factor"`
	LowFreqFactor                 float64 `json:"low_freq_factor"`
	HighFreqFactor                float64 `json:"high_freq_factor"`
	OriginalMaxPositionEmbeddings float64 `json:"original_max_position_embeddings"`
}

// kind is the scaling's name, "default" when there is none. The reference lets
// the older field win.
func (r *RopeScaling) kind() string {
	switch {
	case r == nil:
		return "default"
	case r.Type != "":
		return r.Type
	case r.RopeType != "":
		return r.RopeType
	}
	return "default"
}

// RoPE turns pairs of features by angles that grow with the position.
// Su et al., 2021, https://arxiv.org/abs/2104.09864.
type RoPE struct {
	Dims        int
	Base        float64 // 0 is 10000
	Traditional bool    // pairs are neighbours instead of halves
	Scale       float64 // of the positions, beside Scaling; 0 is 1
	Scaling     *RopeScaling
	// MaxPositions is config.json's max_position_embeddings, by which some scalings
	// go.
	MaxPositions int

	freqs mlx.Array // [Dims/2] instead of Base, for scalings by frequency
	speed mlx.Array // [Dims/2] angle a position, where the angles are looked up
}

// Validate refuses a scaling that is unknown or lacks its parameters.
func (r *RoPE) Validate() error {
	switch kind := r.Scaling.kind(); kind {
	case "default":
		return nil
	case "linear", "llama3":
		if !(r.Scaling.Factor > 0) || math.IsInf(r.Scaling.Factor, 0) {
			return fmt.Errorf("rope_scaling.factor is %v, want a positive number", r.Scaling.Factor)
		}
		return nil
	default:
		text, _ := json.Marshal(kind)
		return fmt.Errorf("rope_scaling.rope_type is %s; default, linear and llama3 are known", text)
	}
}

// Position is where the first token of a pass stands.
type Position struct {
	Offset int       // of every row
	Rows   mlx.Array // int32 [B] instead, where the rows of a batch differ
}

// At is a position that all rows share.
func At(offset int) Position { return Position{Offset: offset} }

// Forward turns x [B, H, L, Dims] whose first token stands at a position.
func (r *RoPE) Forward(s *mlx.Scope, x mlx.Array, at Position) mlx.Array {
	shape := s.Shape(x)
	if len(shape) != 4 {
		return x // an error went before
	}
	if !r.speed.IsNull() && shape[3] == r.Dims && at.Rows.IsNull() {
		return r.turn(s, x, shape, at.Offset)
	}
	base := mlx.OptionalFloat{}
	if r.freqs.IsNull() {
		base = mlx.SomeFloat(float32(r.base()))
	}
	x = dense(s, x, shape)
	if !at.Rows.IsNull() {
		return s.RoPEDynamic(x, r.Dims, r.Traditional, base, r.scale(), at.Rows, r.freqs)
	}
	return s.RoPE(x, r.Dims, r.Traditional, base, r.scale(), at.Offset, r.freqs)
}

func (r *RoPE) base() float64 { return orDefault(r.Base, 10000) }

// scale is what positions are multiplied by.
func (r *RoPE) scale() float32 {
	scale := orDefault(r.Scale, 1)
	if r.Scaling.kind() == "linear" {
		scale /= r.Scaling.Factor
	}
	return float32(scale)
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
	if r.Scaling.kind() == "llama3" {
		var err error
		if r.freqs, err = w.make(r.llama3); err != nil {
			return err
		}
	}
	return r.makeSpeed(w)
}

// llama3 builds the frequencies of Llama 3.1: long waves are stretched by the
// factor, short ones kept, those between blended. In single precision and in
// the reference's order (mlx-lm rope_utils.Llama3RoPE).
func (r *RoPE) llama3(s *mlx.Scope) mlx.Array {
	low, high := orDefault(r.Scaling.LowFreqFactor, 1), orDefault(r.Scaling.HighFreqFactor, 4)
	context := orDefault(r.Scaling.OriginalMaxPositionEmbeddings, 8192)
	num := func(v float64) mlx.Array { return s.Scalar(v, mlx.Float32) }

	exponents := s.Divide(s.Arange(0, float64(r.Dims), 2, mlx.Float32), num(float64(r.Dims)))
	freqs := s.Power(num(r.base()), exponents)
	waves := s.Multiply(num(2*math.Pi), freqs)
	long, short := num(context/low), num(context/high)

	smooth := s.Divide(s.Subtract(s.Divide(num(context), waves), num(low)), num(high-low))
	blend := s.Divide(freqs, s.Add(s.Divide(s.Subtract(num(1), smooth), num(r.Scaling.Factor)), smooth))
	freqs = s.Where(s.Greater(waves, long), s.Multiply(freqs, num(r.Scaling.Factor)), freqs)
	between := s.LogicalAnd(s.Greater(waves, short), s.Less(waves, long))
	return s.Where(between, blend, freqs)
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
