package bindings

import (
	"math"
	"slices"
)

// The checks of this file look at the values of arguments. They can only where
// those are computed already, and they do only for streams of a CPU: elsewhere
// the values would have to be fetched. What is not computed yet passes.

// fewValues bounds how many values are looked at.
const fewValues = 1024

// checkDivisor refuses to divide integers by zero, and the least one by -1: both
// end the process on a CPU.
func checkDivisor(op string, a, b Array, s Stream) error {
	divisors, ok := values(b, s)
	if !ok {
		return nil
	}
	if d, err := a.Dtype(); err != nil || a.IsNull() || d >= Float16 {
		return nil //nolint:nilerror // floats divide by zero; null is refused by MLX
	}
	if i := slices.Index(divisors, 0); i >= 0 {
		return refuse(op, "element %d of the integer divisor is zero", i)
	}
	if slices.Contains(divisors, -1) && holdsLeast(a, s) {
		return refuse(op, "the least integer divided by -1 is none")
	}
	return nil
}

// holdsLeast reports whether the least number of int32 or int64 may be in a.
// Narrower ones are divided as int.
func holdsLeast(a Array, s Stream) bool {
	v, ok := values(a, s)
	return !ok || slices.Contains(v, math.MinInt32) || slices.Contains(v, math.MinInt64)
}

// checkStart refuses slices of the given sizes that begin before the array or end
// beyond it.
func checkStart(op string, a, start Array, axes, sizes []int32, s Stream) error {
	if i := slices.IndexFunc(sizes, func(n int32) bool { return n < 0 }); i >= 0 {
		return refuse(op, "size %d of the slice is %d", i, sizes[i])
	}
	at, ok := values(start, s)
	if !ok || len(at) != len(axes) {
		return nil
	}
	for i, axis := range axes {
		n, ok := length(a, axis)
		if !ok {
			return nil
		}
		size := int32(1)
		if j := int(axis); j < 0 && -j <= len(sizes) {
			size = sizes[len(sizes)+j]
		} else if j >= 0 && j < len(sizes) {
			size = sizes[j]
		}
		if size <= n && (at[i] < 0 || at[i] > int64(n)-int64(size)) {
			return refuse(op, "the slice begins at %d of axis %d and has %d elements, the array %d", at[i], axis, size, n)
		}
	}
	return nil
}

// checkStartUpdate is checkStart for a slice of the shape of update.
func checkStartUpdate(op string, a, update, start Array, axes []int32, s Stream) error {
	shape, err := update.Shape()
	ndim, err2 := a.Ndim()
	if err != nil || err2 != nil || a.IsNull() || update.IsNull() {
		return nil //nolint:nilerror // MLX refuses null
	}
	for uint64(len(shape)) < ndim {
		shape = slices.Insert(shape, 0, 1)
	}
	return checkStart(op, a, start, axes, shape, s)
}

// checkSegments refuses segments that reach beyond the common dimension of a and
// b, and matrices that have none.
func checkSegments(op string, a, b, segments Array, s Stream) error {
	if err := checkInner(op, a, b); err != nil {
		return err
	}
	ends, ok := values(segments, s)
	k, ok2 := length(a, -1)
	if !ok || !ok2 {
		return nil
	}
	for _, end := range ends {
		if end < 0 || end > int64(k) {
			return refuse(op, "a segment ends at %d of %d", end, k)
		}
	}
	return nil
}

// values reads a few integers that are computed already, if the stream is one of
// a CPU.
func values(a Array, s Stream) ([]int64, bool) {
	if a.IsNull() || !onCPU(s) {
		return nil, false
	}
	ready, err := a.IsAvailable()
	if err != nil || !ready {
		return nil, false
	}
	if n, err := a.Size(); err != nil || n > fewValues {
		return nil, false
	}
	if rows, err := a.IsRowContiguous(); err != nil || !rows {
		return nil, false
	}
	d, err := a.Dtype()
	if err != nil {
		return nil, false
	}
	switch d {
	case Uint8:
		return widen(a.DataUint8())
	case Uint16:
		return widen(a.DataUint16())
	case Uint32:
		return widen(a.DataUint32())
	case Uint64:
		return widen(a.DataUint64())
	case Int8:
		return widen(a.DataInt8())
	case Int16:
		return widen(a.DataInt16())
	case Int32:
		return widen(a.DataInt32())
	case Int64:
		return widen(a.DataInt64())
	}
	return nil, false
}

// widen keeps values; a uint64 beyond int64 becomes the largest.
func widen[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](from []T, err error) ([]int64, bool) {
	out := make([]int64, len(from))
	for i, v := range from {
		out[i] = int64(v)
		if v > 0 && out[i] < 0 {
			out[i] = math.MaxInt64
		}
	}
	return out, err == nil
}

func onCPU(s Stream) bool {
	d, err := s.GetDevice()
	if err != nil {
		return false
	}
	defer d.Close()
	kind, err := d.GetType()
	return err == nil && kind == CPU
}
