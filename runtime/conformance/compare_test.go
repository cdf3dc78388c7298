package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// tolerances are the largest differences by dtype: relative to the wanted element
// where a result is computed from few elements, and relative to the largest
// element where it is a sum of many (compare "sum" and the factors of linalg).
// Integers, bools and results that are compared "exact" have none.
var tolerances = map[mlx.Dtype]struct{ element, sum float64 }{
	mlx.Float16:   {2e-3, 4e-3},
	mlx.BFloat16:  {1.6e-2, 3.2e-2},
	mlx.Float32:   {4e-6, 2e-5},
	mlx.Float64:   {1e-13, 1e-11},
	mlx.Complex64: {4e-6, 2e-5},
}

// tiny is the difference that is always allowed: what underflows may be zero.
const tiny = 1e-30

// compare returns how got differs from want beyond tolerance, or nil.
func compare(want, got array, how string) error {
	if want.Dtype != got.Dtype {
		return fmt.Errorf("dtype %v, want %v", mlx.Dtype(got.Dtype), mlx.Dtype(want.Dtype))
	}
	if !slices.Equal(want.Shape, got.Shape) {
		return fmt.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	tolerance, inexact := tolerances[mlx.Dtype(want.Dtype)]
	if !inexact {
		if how == "multiset" {
			want, got = sorted(want), sorted(got)
		}
		return compareBytes(want, got)
	}
	w, g := want.elements(), got.elements()
	allowed := tolerance.element
	scale := 0.0
	switch how {
	case "exact":
		allowed = 0
	case "multiset":
		allowed = 0
		slices.SortFunc(w, byReal)
		slices.SortFunc(g, byReal)
	case "sum":
		allowed, scale = tolerance.sum, largest(w)
	case "columns", "rows":
		allowed, scale = tolerance.sum, largest(w)
		align(w, g, want.Shape, how == "rows")
	}
	return compareElements(w, g, allowed, scale, how == "exact")
}

func byReal(a, b complex128) int {
	switch {
	case real(a) < real(b):
		return -1
	case real(a) > real(b):
		return 1
	}
	return 0
}

func sorted(a array) array {
	size := len(a.Bytes) / max(1, product(a.Shape))
	chunks := slices.Collect(slices.Chunk(a.Bytes, max(1, size)))
	slices.SortFunc(chunks, bytes.Compare)
	a.Bytes = slices.Concat(chunks...)
	return a
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func compareBytes(want, got array) error {
	if bytes.Equal(want.Bytes, got.Bytes) {
		return nil
	}
	n := max(1, len(want.Bytes)/max(1, product(want.Shape)))
	for i := 0; i < len(want.Bytes); i += n {
		if w, g := want.Bytes[i:i+n], got.Bytes[i:i+n]; !bytes.Equal(w, g) {
			return fmt.Errorf("element %d is %x, want %x", i/n, g, w)
		}
	}
	return nil
}

// compareElements says which element differs most.
func compareElements(want, got []complex128, allowed, scale float64, signs bool) error {
	worst, at := 0.0, -1
	for i, w := range want {
		d := max(difference(real(w), real(got[i]), scale, signs), difference(imag(w), imag(got[i]), scale, signs))
		if d > allowed && d > worst {
			worst, at = d, i
		}
	}
	if at < 0 {
		return nil
	}
	return fmt.Errorf("element %d is %v, want %v: off by %.2g, allowed %.2g", at, text(got[at]), text(want[at]), worst, allowed)
}

func text(v complex128) string {
	if imag(v) == 0 {
		return fmt.Sprint(real(v))
	}
	return fmt.Sprint(v)
}

// difference is relative to the larger of want and scale; NaN equals NaN.
func difference(want, got, scale float64, signs bool) float64 {
	switch {
	case math.IsNaN(want) || math.IsNaN(got):
		if math.IsNaN(want) && math.IsNaN(got) {
			return 0
		}
		return math.Inf(1)
	case want == got:
		if signs && math.Signbit(want) != math.Signbit(got) {
			return math.Inf(1)
		}
		return 0
	case math.IsInf(want, 0) || math.IsInf(got, 0):
		return math.Inf(1)
	case math.Abs(want-got) <= tiny:
		return 0
	}
	return math.Abs(want-got) / max(math.Abs(want), scale)
}

// largest is the largest magnitude that is finite.
func largest(v []complex128) float64 {
	m := 0.0
	for _, x := range v {
		if a := cmplx.Abs(x); !math.IsInf(a, 0) && a > m {
			m = a
		}
	}
	return m
}

// align turns each column, or row, of the matrices in got by the sign or phase
// that brings it nearest to want's.
func align(want, got []complex128, shape []int, rows bool) {
	n := len(shape)
	if n < 2 || len(want) == 0 {
		return
	}
	height, width := shape[n-2], shape[n-1]
	for base := 0; base < len(want); base += height * width {
		vectors, length, step, stride := width, height, 1, width
		if rows {
			vectors, length, step, stride = height, width, width, 1
		}
		for v := range vectors {
			turn(want[base+v*step:], got[base+v*step:], length, stride)
		}
	}
}

func turn(want, got []complex128, n, stride int) {
	var dot complex128
	for i := range n {
		dot += want[i*stride] * cmplx.Conj(got[i*stride])
	}
	if dot == 0 || cmplx.IsNaN(dot) {
		return
	}
	phase := dot / complex(cmplx.Abs(dot), 0)
	for i := range n {
		got[i*stride] *= phase
	}
}

// elements widens floating-point elements.
func (a array) elements() []complex128 {
	dtype := mlx.Dtype(a.Dtype)
	size := map[mlx.Dtype]int{mlx.Float16: 2, mlx.BFloat16: 2, mlx.Float32: 4, mlx.Float64: 8, mlx.Complex64: 8}[dtype]
	out := make([]complex128, 0, len(a.Bytes)/size)
	for b := range slices.Chunk(a.Bytes, size) {
		out = append(out, element(dtype, b))
	}
	return out
}

func element(dtype mlx.Dtype, b []byte) complex128 {
	le := binary.LittleEndian
	switch dtype {
	case mlx.Float16:
		return complex(float64(mlx.F16(le.Uint16(b)).Float32()), 0)
	case mlx.BFloat16:
		return complex(float64(mlx.BF16(le.Uint16(b)).Float32()), 0)
	case mlx.Float32:
		return complex(float64(math.Float32frombits(le.Uint32(b))), 0)
	case mlx.Float64:
		return complex(math.Float64frombits(le.Uint64(b)), 0)
	}
	return complex(float64(math.Float32frombits(le.Uint32(b))), float64(math.Float32frombits(le.Uint32(b[4:]))))
}
