package quant

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// Form is how [Repack] writes the tensors of a type.
type Form struct {
	// Bits per element (4, 5 or 8) and elements per group (32 or 128); with [WithFineGroups] also 2, 3 or 6, and 16.
	Bits, GroupSize int
	// Exact promises that float32 scales and biases give the very weights that [Dequantize] gives.
	Exact bool
	// Half says that [WithHalfScales] is possible.
	Half bool
	// Nested and Centred say what [WithCompactScales] makes: scales of two levels, and no biases.
	Nested, Centred bool
}

// FormOf returns the affine form of a type, and false for a type that has none. Of the options, WithFineGroups changes
// it.
func FormOf(t gguf.Type, opts ...Option) (Form, bool) {
	p, ok := packingOf(t, collect(opts).fine)
	return Form{p.bits, p.group, ok && !p.close, p.pack != nil, p.nested(), p.zero > 0}, ok
}

// Affine is a matrix in MLX's affine quantisation: weight = scale*q + bias for each group of GroupSize elements along
// a row.
type Affine struct {
	// Bits per element and elements per group, those of the type's [Form].
	Bits, GroupSize int
	// Rows is the product of all dimensions but the last, Cols the last one.
	Rows, Cols int
	// Weight holds Rows x Cols*Bits/32 words, elements in order from the lowest bit up, without gaps.
	Weight []uint32
	// Scales and Biases hold Rows x Cols/GroupSize numbers; nil if float16 was asked for.
	Scales, Biases []float32
	// HalfScales and HalfBiases hold the same as float16 bits, exactly as the file has them, with [WithHalfScales].
	HalfScales, HalfBiases []uint16
	// NestedScales and NestedBiases hold the same in two levels, exactly, with [WithCompactScales]: for every 256 elements
	// of a row a float16, lowest byte first, and then 256/GroupSize signed bytes that it is multiplied by.
	NestedScales, NestedBiases []uint8
}

// words returns the number of weight words in a row.
func (a *Affine) words() int { return a.Cols * a.Bits / 32 }

// groups returns the number of scales in a row.
func (a *Affine) groups() int { return a.Cols / a.GroupSize }

// nested returns the number of bytes in a row of scales of two levels.
func (a *Affine) nested() int { return a.Cols / 256 * nestedBytes(a.GroupSize) }

// allocate gives a its form and its slices, keeping those that are large enough.
func (a *Affine) allocate(rows, cols int, p packing, o options) {
	a.Bits, a.GroupSize, a.Rows, a.Cols = p.bits, p.group, rows, cols
	a.Weight = resize(a.Weight, rows*a.words())
	nested := o.compact && p.nested()
	n, bytes := rows*a.groups(), rows*a.nested()
	a.Scales = resizeIf(!nested && !o.half, a.Scales, n)
	a.HalfScales = resizeIf(!nested && o.half, a.HalfScales, n)
	a.NestedScales = resizeIf(nested, a.NestedScales, bytes)
	biased := !o.compact || p.zero == 0
	a.Biases = resizeIf(biased && a.Scales != nil, a.Biases, n)
	a.HalfBiases = resizeIf(biased && a.HalfScales != nil, a.HalfBiases, n)
	a.NestedBiases = resizeIf(biased && nested, a.NestedBiases, bytes)
}

// resizeIf gives no slice unless it is wanted.
func resizeIf[T any](wanted bool, s []T, n int) []T {
	if !wanted {
		return nil
	}
	return resize(s, n)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// View returns rows lo to hi of a, sharing its memory: repacking several tensors into views of one matrix fuses
// them without a copy.
func (a *Affine) View(lo, hi int) (Affine, error) {
	if lo < 0 || hi < lo || hi > a.Rows {
		return Affine{}, fmt.Errorf("quant: rows %d to %d of a matrix of %d rows", lo, hi, a.Rows)
	}
	return a.view(lo, hi), nil
}

func (a *Affine) view(lo, hi int) Affine {
	v := *a
	v.Rows = hi - lo
	v.Weight = window(a.Weight, lo, hi, a.words())
	v.Scales, v.Biases = window(a.Scales, lo, hi, a.groups()), window(a.Biases, lo, hi, a.groups())
	v.HalfScales, v.HalfBiases = window(a.HalfScales, lo, hi, a.groups()), window(a.HalfBiases, lo, hi, a.groups())
	v.NestedScales, v.NestedBiases = window(a.NestedScales, lo, hi, a.nested()), window(a.NestedBiases, lo, hi, a.nested())
	return v
}

func window[T any](s []T, lo, hi, width int) []T {
	if s == nil {
		return nil
	}
	return s[lo*width : hi*width : hi*width]
}

// New returns an empty affine matrix for rows x cols elements of a type, to be filled through [Affine.View]. The
// columns must be whole blocks of the type.
func New(t gguf.Type, rows, cols int, opts ...Option) (*Affine, error) {
	o := collect(opts)
	p, ok := packingOf(t, o.fine)
	if !ok {
		return nil, unsupported("repack", "", t, packable)
	}
	if rows < 0 || cols < 0 || cols%t.BlockSize() != 0 || cols > 0 && rows > maxElements/cols {
		return nil, fmt.Errorf("quant: an affine matrix of %d x %d elements is not possible", rows, cols)
	}
	a := new(Affine)
	a.allocate(rows, cols, p, o)
	return a, nil
}
