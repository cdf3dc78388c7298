package runtime

import (
	"fmt"
	"io"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// FromBytes makes an array of raw elements of dtype, in the machine's byte
// order, such as a tensor in a mapped file. The bytes are copied. Their number
// must be that of the shape's elements.
func FromBytes(t *Thread, dtype Dtype, data []byte, shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	size, err := bindings.DtypeSize(dtype)
	if err != nil {
		return Array{}, newError("from_bytes", err)
	}
	if uint64(len(data))%size != 0 {
		return Array{}, newError("from_bytes", fmt.Errorf("%d bytes are no whole number of %v", len(data), dtype))
	}
	dims, err := toDims(shape, len(data)/int(size))
	if err != nil {
		return Array{}, newError("from_bytes", err)
	}
	a, err := bindings.NewArrayData(unsafe.Pointer(unsafe.SliceData(data)), dims, dtype)
	if err != nil {
		return Array{}, newError("from_bytes", err)
	}
	return a, nil
}

// WriteBytes evaluates a and writes its elements as they lie in memory: in
// row-major order and the machine's byte order, without a copy of all of them.
func WriteBytes(t *Thread, w io.Writer, a Array) error {
	return t.call("write_bytes", func(e *engine) error {
		if a.IsNull() {
			return errNull
		}
		return writeElements(e, w, a)
	})
}
