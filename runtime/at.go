package runtime

import "fmt"

// At evaluates a and returns the one element at index, an integer for each
// dimension, those below 0 counted from the end: At[float32](t, a, 0, -1). T is
// as for Values, which is the way to read many: At takes a crossing or ten each.
func At[T Element](t *Thread, a Array, index ...int) (T, error) {
	var zero T
	e, err := t.live()
	if err != nil {
		return zero, err
	}
	start, stop, err := place(a, index)
	if err != nil {
		return zero, newError("at", err)
	}
	one, err := t.Build(func(s *Scope) Array { return s.Slice(a, start, stop, ones(len(index))) })
	if err != nil {
		return zero, newError("at", err)
	}
	defer one.Close()
	if err := a.Eval(); err != nil { // a keeps what was computed for it
		return zero, newError("at", err)
	}
	out, err := values[T](e, one)
	if err != nil {
		return zero, newError("at", err)
	}
	return out[0], nil
}

// place checks an index against a's shape and returns the slice that holds the
// element.
func place(a Array, index []int) (start, stop []int, err error) {
	if a.IsNull() {
		return nil, nil, errNull
	}
	shape, err := a.Shape()
	if err != nil {
		return nil, nil, err
	}
	if len(index) != len(shape) {
		return nil, nil, fmt.Errorf("%d indices for an array of %d dimensions", len(index), len(shape))
	}
	start, stop = make([]int, len(index)), make([]int, len(index))
	for axis, i := range index {
		n := int(shape[axis])
		if i < -n || i >= n {
			return nil, nil, fmt.Errorf("index %d is out of range for dimension %d of %d elements", i, axis, n)
		}
		if i < 0 {
			i += n
		}
		start[axis], stop[axis] = i, i+1
	}
	return start, stop, nil
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
