package runtime

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Values evaluates a and returns a copy of its elements in row-major order,
// whatever its layout in memory. T must be the Go type of a's dtype, or one that
// holds all of its values: a larger integer of any signedness that does, float32
// or float64 for Float16 and BFloat16, float64 for Float32.
func Values[T Element](t *Thread, a Array) ([]T, error) {
	e, err := t.live()
	if err != nil {
		return nil, err
	}
	out, err := values[T](e, a)
	if err != nil {
		return nil, newError("values", err)
	}
	return out, nil
}

// Item is Values of an array that has one element, whatever its dimensions.
func Item[T Element](t *Thread, a Array) (T, error) {
	var zero T
	e, err := t.live()
	if err != nil {
		return zero, err
	}
	n, err := a.Size()
	if err == nil && n != 1 {
		err = fmt.Errorf("the array has %d elements, not 1", n)
	}
	if err != nil {
		return zero, newError("item", err)
	}
	out, err := values[T](e, a)
	if err != nil {
		return zero, newError("item", err)
	}
	return out[0], nil
}

// Iter is Values for a range loop. The elements are read before it returns.
func Iter[T Element](t *Thread, a Array) (iter.Seq[T], error) {
	out, err := Values[T](t, a)
	if err != nil {
		return nil, err
	}
	return slices.Values(out), nil
}

func values[T Element](e *engine, a Array) ([]T, error) {
	if a.IsNull() {
		return nil, errNull
	}
	have, err := a.Dtype()
	if err != nil {
		return nil, err
	}
	want := DtypeFor[T]()
	convert := widenings[[2]Dtype{have, want}]
	if have != want && convert == nil {
		return nil, fmt.Errorf("the array holds %v, which %v does not hold without loss", have, want)
	}
	elements, err := contiguous(e, a, have)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		elements = convert(elements)
	}
	return elements.([]T), nil
}

// contiguous evaluates a and reads it, by way of a row-major copy where its
// elements lie differently.
func contiguous(e *engine, a Array, dtype Dtype) (any, error) {
	rows, err := rowMajor(e, a)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return read(rows, dtype)
}

// rowMajor evaluates a and returns a handle, to be closed, on the same elements
// in row-major order: on a itself, or on a copy where they lie differently.
func rowMajor(e *engine, a Array) (Array, error) {
	if a.IsNull() {
		return Array{}, errNull
	}
	if err := e.wait(a); err != nil {
		return Array{}, err
	}
	rows, err := a.IsRowContiguous()
	if err != nil {
		return Array{}, err
	}
	if rows {
		return a.Retain()
	}
	c, err := bindings.Contiguous(a, false, e.stream)
	if err != nil {
		return Array{}, err
	}
	if err := e.wait(c); err != nil {
		return Array{}, errors.Join(err, c.Close())
	}
	return c, nil
}

// read copies the elements of an evaluated, row-contiguous array into a slice of
// the dtype's Go type.
func read(a Array, dtype Dtype) (any, error) {
	switch dtype {
	case Bool:
		bytes, err := a.DataBool()
		return boxed(trueIsOne(bytes), err)
	case Uint8:
		return boxed(a.DataUint8())
	case Uint16:
		return boxed(a.DataUint16())
	case Uint32:
		return boxed(a.DataUint32())
	case Uint64:
		return boxed(a.DataUint64())
	case Int8:
		return boxed(a.DataInt8())
	case Int16:
		return boxed(a.DataInt16())
	case Int32:
		return boxed(a.DataInt32())
	case Int64:
		return boxed(a.DataInt64())
	case Float16:
		bits, err := a.DataFloat16()
		return boxed(sameBits[F16](bits), err)
	case Float32:
		return boxed(a.DataFloat32())
	case Float64:
		return boxed(a.DataFloat64())
	case BFloat16:
		bits, err := a.DataBFloat16()
		return boxed(sameBits[BF16](bits), err)
	case Complex64:
		return boxed(a.DataComplex64())
	}
	return nil, fmt.Errorf("no Go type for %v", dtype)
}

func boxed[T Element](v []T, err error) (any, error) { return v, err }

// sameBits turns the bits of halves into halves, which are nothing else.
func sameBits[T F16 | BF16](bits []uint16) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bits))), len(bits))
}

// trueIsOne makes every byte but 0 a 1, in place. MLX takes bools from files as
// they are; a Go bool of another byte is undefined.
func trueIsOne(bools []bool) []bool {
	bytes := unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(bools))), len(bools))
	for i, b := range bytes {
		if b > 1 {
			bytes[i] = 1
		}
	}
	return bools
}

type number interface {
	integer | float32 | float64
}

func widen[From, To number](v any) any {
	from := v.([]From)
	to := make([]To, len(from))
	for i, x := range from {
		to[i] = To(x)
	}
	return to
}

func widenHalf[From interface{ Float32() float32 }, To float32 | float64](v any) any {
	from := v.([]From)
	to := make([]To, len(from))
	for i, x := range from {
		to[i] = To(x.Float32())
	}
	return to
}

// widenings are the conversions that keep every value: from dtype, to dtype.
var widenings = map[[2]Dtype]func(any) any{
	{Uint8, Uint16}: widen[uint8, uint16], {Uint8, Uint32}: widen[uint8, uint32], {Uint8, Uint64}: widen[uint8, uint64],
	{Uint8, Int16}: widen[uint8, int16], {Uint8, Int32}: widen[uint8, int32], {Uint8, Int64}: widen[uint8, int64],
	{Uint16, Uint32}: widen[uint16, uint32], {Uint16, Uint64}: widen[uint16, uint64],
	{Uint16, Int32}: widen[uint16, int32], {Uint16, Int64}: widen[uint16, int64],
	{Uint32, Uint64}: widen[uint32, uint64], {Uint32, Int64}: widen[uint32, int64],
	{Int8, Int16}: widen[int8, int16], {Int8, Int32}: widen[int8, int32], {Int8, Int64}: widen[int8, int64],
	{Int16, Int32}: widen[int16, int32], {Int16, Int64}: widen[int16, int64],
	{Int32, Int64}:      widen[int32, int64],
	{Float32, Float64}:  widen[float32, float64],
	{Float16, Float32}:  widenHalf[F16, float32],
	{Float16, Float64}:  widenHalf[F16, float64],
	{BFloat16, Float32}: widenHalf[BF16, float32],
	{BFloat16, Float64}: widenHalf[BF16, float64],
}
