package runtime

import (
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Array is an MLX array; the zero Array is null. Its methods are those of
// bindings.Array.
type Array = bindings.Array

// Optional arguments of operations; the zero value leaves the choice to MLX.
// SomeInt, SomeFloat and SomeDtype make them.
type (
	// OptionalInt is a number or nothing.
	OptionalInt = bindings.OptionalInt
	// OptionalFloat is a number or nothing.
	OptionalFloat = bindings.OptionalFloat
	// OptionalDtype is a dtype or nothing.
	OptionalDtype = bindings.OptionalDtype
)

// Dtype names the type of an array's elements.
type Dtype = bindings.Dtype

// The dtypes. Elements of Float16 and BFloat16 are F16 and BF16 in Go.
const (
	Bool      = bindings.Bool
	Uint8     = bindings.Uint8
	Uint16    = bindings.Uint16
	Uint32    = bindings.Uint32
	Uint64    = bindings.Uint64
	Int8      = bindings.Int8
	Int16     = bindings.Int16
	Int32     = bindings.Int32
	Int64     = bindings.Int64
	Float16   = bindings.Float16
	Float32   = bindings.Float32
	Float64   = bindings.Float64
	BFloat16  = bindings.BFloat16
	Complex64 = bindings.Complex64
)

// Element is a Go type whose values MLX arrays hold.
type Element interface {
	bool | uint8 | uint16 | uint32 | uint64 | int8 | int16 | int32 | int64 |
		F16 | float32 | float64 | BF16 | complex64
}

// DtypeFor returns the dtype whose elements are of type T.
func DtypeFor[T Element]() Dtype {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case F16:
		return Float16
	case float32:
		return Float32
	case float64:
		return Float64
	case BF16:
		return BFloat16
	default:
		return Complex64
	}
}

// bytesOf views elements as memory.
func bytesOf[T Element](data []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(data)) }
