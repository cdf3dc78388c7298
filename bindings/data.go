package bindings

import "unsafe"

// #include "callback.h"
// #cgo nocallback gm_array_pointer
import "C"

// DataPointer returns where the elements of the array lie in memory, in
// row-major order and of the array's dtype, without a copy. An array that is not
// evaluated or not row-contiguous is an error, as for DataFloat32 and its like.
//
// The memory is MLX's. It stays in place as long as a handle on the array is
// open, is for reading only, and is nil where there are no elements.
//
// C: mlx_array_data_uint8.
func (arr Array) DataPointer() (unsafe.Pointer, error) {
	if err := ensure(); err != nil {
		return nil, err
	}
	r := C.gm_array_pointer(C.uintptr_t(arr.h))
	if r.err != nil {
		return nil, fail("array_data", r.err)
	}
	return pointer(uintptr(r.w0)), nil
}
