package runtime

import (
	"fmt"
	"unsafe"
)

// View evaluates a and calls f with its elements where they lie, in row-major
// order, without a copy; where they lie in another order f gets those of a
// row-major copy. T must be the Go type of a's dtype.
//
// The slice is MLX's memory. It is good until f returns, whatever f does with a:
// View holds it. Do not keep it (slices.Clone copies), and do not write to it:
// other arrays may share it.
func View[T Element](t *Thread, a Array, f func(elements []T) error) error {
	e, err := t.live()
	if err != nil {
		return err
	}
	held, elements, err := lend[T](e, a)
	if err != nil {
		return newError("view", err)
	}
	defer held.Close()
	return f(elements)
}

// lend returns the elements of a in MLX's memory with the handle that keeps them
// there.
func lend[T Element](e *engine, a Array) (Array, []T, error) {
	if a.IsNull() {
		return Array{}, nil, errNull
	}
	have, err := a.Dtype()
	if err != nil {
		return Array{}, nil, err
	}
	want := DtypeFor[T]()
	if have != want {
		return Array{}, nil, fmt.Errorf("the array holds %v, not %v", have, want)
	}
	held, memory, err := lendBytes(e, a)
	if err != nil {
		return Array{}, nil, err
	}
	var zero T
	elements := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/int(unsafe.Sizeof(zero)))
	if want == Bool {
		elements = checkedBools(elements, memory)
	}
	return held, elements, nil
}

// checkedBools copies bools that a file brought in as other bytes than 0 and 1.
func checkedBools[T Element](elements []T, memory []byte) []T {
	for _, b := range memory {
		if b > 1 {
			bools := any(append([]T(nil), elements...)).([]bool)
			return any(trueIsOne(bools)).([]T)
		}
	}
	return elements
}

// lendBytes is lend without the type.
func lendBytes(e *engine, a Array) (Array, []byte, error) {
	held, err := rowMajor(e, a)
	if err != nil {
		return Array{}, nil, err
	}
	n, err := held.Nbytes()
	if err == nil {
		var p unsafe.Pointer
		if p, err = held.DataPointer(); err == nil {
			return held, unsafe.Slice((*byte)(p), n), nil
		}
	}
	held.Close()
	return Array{}, nil, err
}
