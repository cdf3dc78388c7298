package cache

import (
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// form is how numbers are kept: as they are, or in groups that share a scale and
// a bias, packed into words (mlx.core.quantize, affine).
type form struct {
	bits, group int // 0 bits: as they are
}

// check refuses what MLX cannot quantise to.
func (f form) check() error {
	switch f.bits {
	case 0, 2, 3, 4, 5, 6, 8:
	default:
		return fmt.Errorf("cache: %d bits a number; 2, 3, 4, 5, 6 and 8 are known", f.bits)
	}
	switch f.group {
	case 32, 64, 128:
		return nil
	}
	return fmt.Errorf("cache: groups of %d numbers; 32, 64 and 128 are known", f.group)
}

// same reports whether numbers are kept alike.
func (f form) same(g form) bool { return f.bits == g.bits && (f.bits == 0 || f.group == g.group) }

// parts is how many arrays a form has: the numbers, or their packed weights,
// scales and biases.
func (f form) parts() int {
	if f.bits == 0 {
		return 1
	}
	return 3
}

// partShape is the shape of a part of numbers [B, H, L, d].
func (f form) partShape(shape []int, i int) [4]int {
	width := shape[3]
	switch {
	case f.bits == 0:
	case i == 0:
		width = width * f.bits / 32
	default:
		width /= f.group
	}
	return [4]int{shape[0], shape[1], shape[2], width}
}

// take brings x [B, H, L, d] into the form. An x of other dimensions, null, or
// after an error is not ok.
func (f form) take(s *mlx.Scope, x mlx.Array) (t tokens, ok bool) {
	t.shape = s.Shape(x)
	if len(t.shape) != 4 {
		return t, false
	}
	if f.bits == 0 {
		t.parts[0] = x
		return t, true
	}
	if d := t.shape[3]; d%f.group != 0 {
		s.Fail(fmt.Errorf("cache: keys and values of %d numbers are no whole groups of %d to quantise", d, f.group))
		return t, false
	}
	copy(t.parts[:], s.Quantize(x, mlx.SomeInt(f.group), mlx.SomeInt(f.bits), "affine", mlx.Array{}))
	return t, s.Err() == nil
}

// plain is an array as an operand.
func plain(x mlx.Array) operand { return operand{parts: [3]mlx.Array{x}} }

// operand is keys or values as attention reads them: [B, H, T, d] in a form.
type operand struct {
	form
	parts [3]mlx.Array
	shape []int // but for the tokens
}

// part is some of the tokens, of buffers of that capacity.
func (o operand) part(s *mlx.Scope, p span, capacity int) operand {
	for i := range o.form.parts() {
		o.parts[i] = part(s, o.parts[i], o.partShape(o.shape, i), p, capacity)
	}
	return o
}

// dot is the products of rows [B, H, R, d] with the keys: [B, H, R, T].
func (o operand) dot(s *mlx.Scope, rows mlx.Array) mlx.Array {
	if o.bits == 0 {
		return s.Matmul(rows, s.TransposeAxes(o.parts[0], 0, 1, 3, 2))
	}
	return o.matmul(s, rows, true)
}

// mix is the sums of the values with weights [B, H, R, T]: [B, H, R, dv].
func (o operand) mix(s *mlx.Scope, weights mlx.Array) mlx.Array {
	if o.bits == 0 {
		return s.Matmul(weights, o.parts[0])
	}
	return o.matmul(s, weights, false)
}

// array is the operand's numbers.
func (o operand) array(s *mlx.Scope) mlx.Array {
	if o.bits == 0 {
		return o.parts[0]
	}
	return s.Dequantize(o.parts[0], o.parts[1], o.parts[2], mlx.SomeInt(o.group), mlx.SomeInt(o.bits), "affine", mlx.Array{}, mlx.OptionalDtype{})
}

func (o operand) matmul(s *mlx.Scope, x mlx.Array, transpose bool) mlx.Array {
	return s.QuantizedMatmul(x, o.parts[0], o.parts[1], o.parts[2], transpose, mlx.SomeInt(o.group), mlx.SomeInt(o.bits), "affine")
}
