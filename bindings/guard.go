package bindings

import "slices"

// The checks of this file stand before calls that MLX does not survive; each is
// named, with its reason, under check in go.generate. They let null handles and
// axes out of range pass: MLX refuses those itself.

// checkElements refuses arrays without elements.
func checkElements(op string, a Array) error {
	if isEmpty(a) {
		return refuse(op, "the array has no elements")
	}
	return nil
}

// checkLength refuses arrays without elements along axis.
func checkLength(op string, a Array, axis int32) error {
	if !isEmpty(a) {
		return nil
	}
	if n, ok := length(a, axis); ok && n == 0 {
		return refuse(op, "the array has no elements along axis %d", axis)
	}
	return nil
}

// checkScan refuses arrays without elements, but for those whose rows are scanned
// and have a length.
func checkScan(op string, a Array, axis int32) error {
	if !isEmpty(a) {
		return nil
	}
	ndim, err := a.Ndim()
	if last := int32(ndim) - 1; err == nil && last >= 0 && axis != -1 && axis != last {
		return refuse(op, "the array has no elements")
	}
	return checkLength(op, a, axis)
}

// checkDiagonal refuses diagonals without elements.
func checkDiagonal(op string, a Array, offset, axis1, axis2 int32) error {
	rows, ok := length(a, axis1)
	columns, also := length(a, axis2)
	if !ok || !also {
		return nil
	}
	n := min(int64(rows)+int64(min(offset, 0)), int64(columns)-int64(max(offset, 0)))
	if n <= 0 || isEmpty(a) {
		return refuse(op, "diagonal %d has no elements", offset)
	}
	return nil
}

func checkTrace(op string, a Array) error { return checkDiagonal(op, a, 0, 0, 1) }

// checkInferred refuses to infer a size beside sizes of zero.
func checkInferred(op string, shape []int32) error {
	if slices.Contains(shape, -1) && slices.Contains(shape, 0) {
		return refuse(op, "no size can be inferred for -1 in %v", shape)
	}
	return nil
}

// checkPadding refuses axes that an array does not have, and axes without sizes.
func checkPadding(op string, a Array, axes, low, high []int32) error {
	if len(low) != len(axes) || len(high) != len(axes) {
		return refuse(op, "%d axes are padded by %d low and %d high sizes", len(axes), len(low), len(high))
	}
	return checkAxes(op, a, axes)
}

// checkCount refuses numbers of things below one.
func checkCount(op string, n int32) error {
	if n < 1 {
		return refuse(op, "%d is no positive number", n)
	}
	return nil
}

// checkAxes refuses axes that an array does not have.
func checkAxes(op string, a Array, axes []int32) error {
	for _, axis := range axes {
		if _, ok := length(a, axis); !ok && !a.IsNull() {
			return refuse(op, "invalid axis %d", axis)
		}
	}
	return nil
}

// checkInner refuses matrices whose product is not defined.
func checkInner(op string, a, b Array) error {
	k, ok := length(a, -1)
	n, also := length(b, -2)
	if ok && also && k != n {
		return refuse(op, "the last dimension of a is %d, the last but one of b %d", k, n)
	}
	return nil
}

// checkStrided refuses views that reach beyond the array's elements.
func checkStrided(op string, a Array, shape []int32, strides []int64, offset uint64) error {
	size, err := a.Size()
	if err != nil || a.IsNull() {
		return nil //nolint:nilerror // MLX refuses what has no size
	}
	if len(shape) != len(strides) {
		return refuse(op, "the shape has %d dimensions, strides are %d", len(shape), len(strides))
	}
	low, high := int64(offset), int64(offset)
	for i, n := range shape {
		if n < 0 {
			return refuse(op, "dimension %d of the shape is %d", i, n)
		}
		if n == 0 {
			return nil // no element is reached
		}
		if reach := int64(n-1) * strides[i]; reach < 0 {
			low += reach
		} else {
			high += reach
		}
	}
	if low < 0 || high >= int64(size) {
		return refuse(op, "the view reaches from element %d to %d of %d", low, high, size)
	}
	return nil
}

func isEmpty(a Array) bool {
	n, err := a.Size()
	return err == nil && n == 0 && !a.IsNull()
}

// length is the size of an axis, which may count from the end.
func length(a Array, axis int32) (int32, bool) {
	ndim, err := a.Ndim()
	if err != nil || a.IsNull() || axis < -int32(ndim) || axis >= int32(ndim) {
		return 0, false
	}
	n, err := a.Dim(axis)
	return n, err == nil
}

// checkFP8 refuses float64, of which MLX converts the wrong bytes.
func checkFP8(op string, dtype Dtype) error {
	if dtype == Float64 {
		return refuse(op, "float64 is not converted to 8 bits or back")
	}
	return nil
}

func checkFP8Input(op string, x Array) error {
	d, err := x.Dtype()
	if err != nil || x.IsNull() {
		return nil //nolint:nilerror // MLX refuses null
	}
	return checkFP8(op, d)
}
