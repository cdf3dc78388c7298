package runtime

import (
	"fmt"
	"unsafe"
)

// Write evaluates a and calls f with its elements where they lie, in row-major
// order, for f to set: what is made elsewhere gets into an array without a copy. T
// must be the Go type of a's dtype, or uint16 for the bits of a Float16 or BFloat16.
//
// The array must be new (as of Zeros, evaluated), with no other array made of it,
// which might share its memory. The slice is MLX's memory and good until f returns.
func Write[T Element](t *Thread, a Array, f func(elements []T) error) error {
	held, elements, err := lendElements[T](t, a)
	if err != nil {
		return err
	}
	defer held.Close()
	return f(elements)
}

// Writable is Write for memory that is filled later, and by other goroutines: the
// slice is good as long as the array is open.
func Writable[T Element](t *Thread, a Array) ([]T, error) {
	held, elements, err := lendElements[T](t, a)
	if err != nil {
		return nil, err
	}
	return elements, held.Close()
}

// lendElements returns the elements of a, and a handle that keeps them.
func lendElements[T Element](t *Thread, a Array) (held Array, elements []T, err error) {
	e, err := t.live()
	if err != nil {
		return held, nil, err
	}
	if a.IsNull() {
		return held, nil, newError("write", errNull)
	}
	if err := writable[T](a); err != nil {
		return held, nil, newError("write", err)
	}
	held, memory, err := lendBytes(e, a)
	if err != nil {
		return held, nil, newError("write", err)
	}
	where, err := a.DataPointer() // fails where held is a row-major copy
	if err != nil {
		held.Close()
		return Array{}, nil, newError("write", err)
	}
	var zero T
	return held, unsafe.Slice((*T)(where), len(memory)/int(unsafe.Sizeof(zero))), nil
}

// writable checks T against a's dtype.
func writable[T Element](a Array) error {
	have, err := a.Dtype()
	if err != nil {
		return err
	}
	want := DtypeFor[T]()
	bits := want == Uint16 && (have == Float16 || have == BFloat16)
	if have != want && !bits {
		return fmt.Errorf("the array holds %v, not %v", have, want)
	}
	return nil
}
