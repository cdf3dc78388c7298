package runtime

import (
	"fmt"
	"math"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// FromSlice makes an array of data, which is copied. Without a shape it has one
// dimension; with one, its product must be the number of elements. An empty but
// not nil shape makes a scalar: FromSlice(t, []int32{7}, []int{}...).
func FromSlice[T Element](t *Thread, data []T, shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	a, err := newArray(data, shape)
	if err != nil {
		return Array{}, newError("from_slice", err)
	}
	return a, nil
}

// Const is FromSlice inside a Build: the Scope owns the array.
func Const[T Element](s *Scope, data []T, shape ...int) Array {
	if !s.ok() {
		return Array{}
	}
	a, err := newArray(data, shape)
	return s.own("const", a, err)
}

func newArray[T Element](data []T, shape []int) (Array, error) {
	if shape == nil {
		shape = []int{len(data)}
	}
	dims, err := toDims(shape, len(data))
	if err != nil {
		return Array{}, err
	}
	return bindings.NewArrayData(bytesOf(data), dims, DtypeFor[T]())
}

// toDims checks a shape for n elements.
func toDims(shape []int, n int) ([]int32, error) {
	dims, size, err := elementsOf(shape)
	if err == nil && size != n {
		err = fmt.Errorf("the shape has %d elements, the data %d", size, n)
	}
	return dims, err
}

// elementsOf checks a shape and counts its elements.
func elementsOf(shape []int) (dims []int32, size int, err error) {
	dims = make([]int32, len(shape))
	size = 1
	for i, d := range shape {
		if d < 0 || d > math.MaxInt32 {
			return nil, 0, fmt.Errorf("dimension %d of the shape is %d, not between 0 and %d", i, d, math.MaxInt32)
		}
		if d > 0 && size > math.MaxInt/d {
			return nil, 0, fmt.Errorf("the shape has more elements than fit in an int")
		}
		size *= d
		dims[i] = int32(d)
	}
	return dims, size, nil
}

// toInts converts dimensions.
func toInts(dims []int32) []int {
	out := make([]int, len(dims))
	for i, d := range dims {
		out[i] = int(d)
	}
	return out
}

// Zeros makes an array of zeros, evaluated when it is first needed.
func (t *Thread) Zeros(dtype Dtype, shape ...int) (Array, error) {
	return t.Build(func(s *Scope) Array { return s.Zeros(shape, dtype) })
}

// Own takes over an array that was made outside of the Scope, by FromSlice or by
// a Build of its own, with the error of making it: s.Own(t.RandomKey(1)). The
// caller must not close it any more.
func (s *Scope) Own(a Array, err error) Array {
	if s.err != nil {
		s.owned = append(s.owned, a)
		return Array{}
	}
	return s.own("own", a, err)
}

// Scalar makes an array without dimensions that holds v as dtype. An integer
// dtype must hold v exactly. MLX promotes dtypes as NumPy does: to keep that of x
// use s.Scalar(2, s.DtypeOf(x)).
func (s *Scope) Scalar(v float64, dtype Dtype) Array {
	if !s.ok() {
		return Array{}
	}
	a, err := newScalar(v, dtype)
	return s.own("scalar", a, err)
}

func newScalar(v float64, dtype Dtype) (Array, error) {
	switch dtype {
	case Bool:
		return scalarOf(v != 0)
	case Uint8:
		return intScalar[uint8](v)
	case Uint16:
		return intScalar[uint16](v)
	case Uint32:
		return intScalar[uint32](v)
	case Uint64:
		return intScalar[uint64](v)
	case Int8:
		return intScalar[int8](v)
	case Int16:
		return intScalar[int16](v)
	case Int32:
		return intScalar[int32](v)
	case Int64:
		return intScalar[int64](v)
	case Float16:
		return scalarOf(ToF16(float32(v)))
	case BFloat16:
		return scalarOf(ToBF16(float32(v)))
	case Float32:
		return scalarOf(float32(v))
	case Float64:
		return scalarOf(v)
	case Complex64:
		return scalarOf(complex(float32(v), 0))
	}
	return Array{}, fmt.Errorf("no dtype %d", int(dtype))
}

func scalarOf[T Element](v T) (Array, error) {
	data := [1]T{v}
	return bindings.NewArrayData(bytesOf(data[:]), nil, DtypeFor[T]())
}

type integer interface {
	uint8 | uint16 | uint32 | uint64 | int8 | int16 | int32 | int64
}

// intScalar refuses what T does not hold. The bounds are those of T in float64,
// the upper one exclusive: 2^64 is a float64, 2^64-1 is not.
func intScalar[T integer](v float64) (Array, error) {
	var zero T
	size := float64(uint64(1) << (8*unsafe.Sizeof(zero) - 1))
	low, high := -size, size
	if zero-1 > 0 { // unsigned
		low, high = 0, 2*size
	}
	if v != math.Trunc(v) || v < low || v >= high {
		return Array{}, fmt.Errorf("%v is no %v", v, DtypeFor[T]())
	}
	return scalarOf(T(v))
}
