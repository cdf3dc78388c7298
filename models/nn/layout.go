package nn

import (
	"math"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Layout is how the scales and biases of a packed weight lie, beside that of Packed, in
// forms that take less memory, exactly: see Scope.CPUQuantizedMatmul. They are for
// inference by our own kernels for a CPU: a weight that is kept so cannot be saved, and
// training has it as Packed is.
type Layout struct {
	Nested  bool // of two levels: for every 256 values of a row a float16 and signed bytes
	Centred bool // no biases: the middle of the packed numbers is zero
}

// layout is the one that all parts of a matrix have, and otherwise that of Packed.
func (l *loader) layout(tensors []Placer) Layout {
	first := tensors[0].Layout()
	for _, t := range tensors {
		if l.policy.Trainable || t.Layout() != first {
			return Layout{}
		}
	}
	return first
}

// columns is how many arrays there are beside the words.
func (y Layout) columns() int {
	if y.Centred {
		return 1
	}
	return 2
}

// zeros is an array for the scales or the biases of a weight [out, in].
func (y Layout) zeros(s *mlx.Scope, out, in, group int, dtype mlx.Dtype) mlx.Array {
	if y.Nested {
		return s.Zeros([]int{out, in / 256 * (2 + 256/group)}, mlx.Uint8)
	}
	return s.Zeros([]int{out, in / group}, dtype)
}

// known makes of scales and biases what MLX's operations take.
func (m *matrix) known(s *mlx.Scope, scales, biases mlx.Array) (mlx.Array, mlx.Array) {
	if m.layout.Nested {
		scales = unnest(s, scales, m.packed.GroupSize)
		if !m.layout.Centred {
			biases = unnest(s, biases, m.packed.GroupSize)
		}
	}
	if m.layout.Centred {
		biases = s.Multiply(scales, num(s, -math.Exp2(float64(m.packed.Bits-1)), scales))
	}
	return scales, biases
}

// unnest makes float32 numbers [..., groups] of two levels.
func unnest(s *mlx.Scope, a mlx.Array, group int) mlx.Array {
	shape := s.Shape(a)
	if s.Err() != nil {
		return mlx.Array{}
	}
	lead := shape[:len(shape)-1]
	blocks := s.Reshape(a, append(slices.Clone(lead), -1, 2+256/group)...)
	parts := s.SplitSections(blocks, []int{2}, -1)
	if s.Err() != nil {
		return mlx.Array{}
	}
	number := func(part mlx.Array, as mlx.Dtype) mlx.Array {
		return s.AsType(s.View(part, as), mlx.Float32)
	}
	products := s.Multiply(number(parts[0], mlx.Float16), number(parts[1], mlx.Int8))
	return s.Reshape(products, append(slices.Clone(lead), -1)...)
}
