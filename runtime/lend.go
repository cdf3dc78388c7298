package runtime

import (
	stdruntime "runtime"
	"sync"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// FromPinned is FromSlice without the copy where MLX offers that: on Metal the
// array is the memory of data itself, on CPU and CUDA it is a copy as ever.
//
// It hands data over. The memory is pinned, so that Go's collector neither moves
// nor frees it, until MLX needs it no longer; the caller keeps nothing alive and
// releases nothing, but must not write to data any more: MLX may read it, and
// write results over it, at any time.
func FromPinned[T Element](t *Thread, data []T, shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	if shape == nil {
		shape = []int{len(data)}
	}
	dims, err := toDims(shape, len(data))
	if err != nil {
		return Array{}, newError("from_pinned", err)
	}
	if len(data) == 0 {
		return FromSlice(t, data, shape...)
	}
	var pin stdruntime.Pinner
	pin.Pin(unsafe.SliceData(data))
	a, err := lent(bytesOf(data), dims, DtypeFor[T](), pin.Unpin)
	if err != nil {
		return Array{}, newError("from_pinned", err)
	}
	return a, nil
}

// lent makes an array over memory that may stay where it is until release is
// called, which happens once, also when there is an error.
func lent(data unsafe.Pointer, dims []int32, dtype Dtype, release func()) (Array, error) {
	once := sync.OnceFunc(release)
	a, err := bindings.NewArrayDataManaged(data, dims, dtype, once)
	if err != nil {
		once()
	}
	return a, err
}
