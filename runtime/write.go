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
	e, err := t.live()
	if err != nil {
		return err
	}
	if a.IsNull() {
		return newError("write", errNull)
	}
	if err := writable[T](a); err != nil {
		return newError("write", err)
	}
	held, memory, err := lendBytes(e, a)
	if err != nil {
		return newError("write", err)
	}
	defer held.Close()
	where, err := a.DataPointer() // fails where held is a row-major copy
	if err != nil {
		return newError("write", err)
	}
	var zero T
	return f(unsafe.Slice((*T)(where), len(memory)/int(unsafe.Sizeof(zero))))
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
