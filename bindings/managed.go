package bindings

import (
	"runtime/cgo"
	"unsafe"
)

// #include "callback.h"
import "C"

// NewArrayDataManaged makes an array over memory of the caller's: size bytes of
// C memory (never Go memory, which may not stay where C keeps a pointer to it)
// with the given shape and dtype. release is called once, when MLX needs the
// memory no longer. On Metal the array uses the memory itself; on CPU and CUDA
// MLX copies it and calls release at once.
//
// C: mlx_array_new_data_managed_payload.
func NewArrayDataManaged(data unsafe.Pointer, shape []int32, dtype Dtype, release func()) (Array, error) {
	const op = "array_new_data_managed_payload"
	if err := checkEnum(op, "dtype", dtype); err != nil {
		return Array{}, err
	}
	if err := ensure(); err != nil {
		return Array{}, err
	}
	payload := cgo.NewHandle(release)
	r := C.gm_managed(data, (*C.int)(unsafe.Pointer(unsafe.SliceData(shape))), C.size_t(len(shape)), C.int(dtype), C.uintptr_t(payload))
	if r.err != nil {
		return Array{}, fail(op, r.err)
	}
	return Array{opened(kindArray, uintptr(r.w0))}, nil
}

//export gmGoManagedRelease
func gmGoManagedRelease(payload unsafe.Pointer) {
	h := cgo.Handle(uintptr(payload))
	release := h.Value().(func())
	h.Delete()
	if release != nil {
		release()
	}
}
