package nn

import (
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// On a CPU MLX composes rope of some thirty operations, sines and cosines
// included, in each call. Here a forward pass computes the angles once, all its
// layers look them up, and a call is six operations, with the same roundings.

// angles is the key of the sines and cosines that layers which turn alike share.
type angles struct {
	dims, width, context int
	base                 float64
	scale                float32
	scaling              string
	traditional          bool
	at                   Position
	length               int
}

// makeSpeed makes the angle by which each pair turns a position, where Forward
// looks angles up: in float32 on a CPU.
func (r *RoPE) makeSpeed(w workshop) error {
	device, err := w.t.Device()
	if err != nil || device.Type != mlx.CPU || w.dtype != mlx.Float32 {
		return err
	}
	r.lookup = true
	if r.dynamic() {
		return nil
	}
	r.speed, err = w.make(func(s *mlx.Scope) mlx.Array {
		if !r.freqs.IsNull() {
			return s.Reciprocal(r.freqs)
		}
		return r.speedBy(s, r.base())
	})
	return err
}

// speedBy is base^(-2i/Dims) for each pair i, as MLX computes it.
func (r *RoPE) speedBy(s *mlx.Scope, base float64) mlx.Array {
	step := float32(math.Log(float64(float32(base)))) / float32(r.Dims/2)
	return r.exponential(s, f32(s, float64(step)))
}

func (r *RoPE) exponential(s *mlx.Scope, step mlx.Array) mlx.Array {
	return s.Exp(s.Multiply(s.Arange(0, float64(-r.Dims/2), -1, mlx.Float32), step))
}

// speedAt is the angle by which each pair turns a position, [Dims/2], in a pass
// over so many tokens.
func (r *RoPE) speedAt(s *mlx.Scope, at Position, length int) mlx.Array {
	switch {
	case !r.dynamic():
		return r.speed
	case at.Rows.IsNull():
		return r.speedBy(s, r.baseOf(at.Offset+length))
	}
	step := s.Divide(s.Log(r.rowsBase(s, at.Rows, length)), f32(s, float64(r.Dims/2)))
	return r.exponential(s, step)
}

// turn is x cos + (x2, x1) (-sin, sin) for x = (x1, x2) [B, H, L, d].
func (r *RoPE) turn(s *mlx.Scope, x mlx.Array, shape []int, at Position) mlx.Array {
	cos, sin := r.angles(s, at, shape[2], shape[3]) // [L, d], or [B, 1, L, d]
	if s.CPUStepKernels() && s.HasCPUKernels(x) {
		return s.CPURoPE(x, cos, sin, r.Dims, r.Traditional)
	}
	return s.Add(s.Multiply(x, cos), s.Multiply(r.partners(s, x, shape), sin))
}

// partners puts each feature of x [B, H, L, d] into the place of the other one of
// its pair. What is not turned stays.
func (r *RoPE) partners(s *mlx.Scope, x mlx.Array, shape []int) mlx.Array {
	b, h, l, d := shape[0], shape[1], shape[2], shape[3]
	part := func(from, to int) mlx.Array {
		return s.Slice(x, []int{0, 0, 0, from}, []int{b, h, l, to}, ones4)
	}
	var parts []mlx.Array
	if r.Traditional {
		pairs := s.Reshape(part(0, r.Dims), b, h, l, r.Dims/2, 2)
		swapped := s.Slice(pairs, []int{0, 0, 0, 0, 1}, []int{b, h, l, r.Dims / 2, -3}, []int{1, 1, 1, 1, -1})
		parts = []mlx.Array{s.Reshape(swapped, b, h, l, r.Dims)}
	} else {
		parts = []mlx.Array{part(r.Dims/2, r.Dims), part(0, r.Dims/2)}
	}
	if d > r.Dims {
		parts = append(parts, part(r.Dims, d))
	}
	return beside(s, parts)
}

var ones4 = []int{1, 1, 1, 1}

// beside puts parts side by side.
func beside(s *mlx.Scope, parts []mlx.Array) mlx.Array {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.ConcatenateAxis(parts, -1)
}

// angles returns (cos, cos, 1) and (-sin, sin, 0) of the positions from at on, for
// rows of that width, made once in a Build: [L, d], or [B, 1, L, d] where the rows
// differ.
func (r *RoPE) angles(s *mlx.Scope, at Position, length, width int) (cos, sin mlx.Array) {
	key := angles{dims: r.Dims, width: width, context: r.MaxPositions, base: r.base(), scale: r.scale(), scaling: r.id,
		traditional: r.Traditional, at: at, length: length}
	return Two(s.Once(key, func() []mlx.Array {
		places := positions(s, at, length)
		if r.scale() != 1 {
			places = times(s, float64(r.scale()), places)
		}
		theta := s.Multiply(places, r.speedAt(s, at, length)) // [L, Dims/2], or [B, 1, L, Dims/2]
		cos, sin := s.Cos(theta), s.Sin(theta)
		if r.mscale != 1 {
			cos, sin = times(s, r.mscale, cos), times(s, r.mscale, sin)
		}
		return []mlx.Array{r.pair(s, cos, cos, 1, width), r.pair(s, s.Negative(sin), sin, 0, width)}
	}))
}

// positions are those of so many tokens, float32 [L, 1], or [B, 1, L, 1].
func positions(s *mlx.Scope, at Position, length int) mlx.Array {
	if at.Rows.IsNull() {
		return s.Reshape(s.Arange(float64(at.Offset), float64(at.Offset+length), 1, mlx.Float32), length, 1)
	}
	tokens := s.Reshape(s.Arange(0, float64(length), 1, mlx.Float32), length, 1)
	return s.Add(tokens, s.Reshape(s.AsType(at.Rows, mlx.Float32), -1, 1, 1, 1))
}

// pair lays the numbers of the firsts and seconds of the pairs [..., Dims/2] out
// as the features are, those that are not turned after them.
func (r *RoPE) pair(s *mlx.Scope, first, second mlx.Array, still float64, width int) mlx.Array {
	shape := s.Shape(first)
	if len(shape) == 0 {
		return first // an error went before
	}
	lead := shape[:len(shape)-1]
	parts := []mlx.Array{first, second}
	if r.Traditional {
		parts = []mlx.Array{s.Reshape(s.StackAxis(parts, -1), append(lead[:len(lead):len(lead)], r.Dims)...)}
	}
	if width > r.Dims {
		rest := append(lead[:len(lead):len(lead)], width-r.Dims)
		parts = append(parts, s.Full(rest, f32(s, still), mlx.Float32))
	}
	return beside(s, parts)
}
