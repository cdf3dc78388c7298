package runtime

import "fmt"

// intsChunk is how many dimensions are allocated at a time.
const intsChunk = 512

// Shape returns the dimensions of x, nil after an error. The slice is the
// caller's.
func (s *Scope) Shape(x Array) []int {
	if s.err != nil {
		return nil
	}
	dims, err := x.Shape()
	if err != nil {
		s.failOp("shape", err)
		return nil
	}
	return s.e.toInts(dims)
}

// toInts carves the result from a chunk that is never used twice, so that shapes
// may be kept and yet few of them allocate.
func (e *engine) toInts(dims []int32) []int {
	n := len(dims)
	if cap(e.ints)-len(e.ints) < n {
		e.ints = make([]int, 0, max(intsChunk, n))
	}
	from := len(e.ints)
	for _, d := range dims {
		e.ints = append(e.ints, int(d))
	}
	return e.ints[from : from+n : from+n]
}

// Dim returns dimension i of x, counted from the end when i is negative; 0 after
// an error.
func (s *Scope) Dim(x Array, i int) int {
	if s.err != nil {
		return 0
	}
	n := s.Ndim(x)
	if s.err == nil && (i < -n || i >= n) {
		s.failOp("dim", fmt.Errorf("axis %d is out of range for an array of %d dimensions", i, n))
	}
	if s.err != nil {
		return 0
	}
	d, err := x.Dim(int32(i))
	if err != nil {
		s.failOp("dim", err)
	}
	return int(d)
}

// Ndim returns the number of x's dimensions, 0 after an error.
func (s *Scope) Ndim(x Array) int {
	if s.err != nil {
		return 0
	}
	n, err := x.Ndim()
	if err != nil {
		s.failOp("ndim", err)
	}
	return int(n)
}

// DtypeOf returns the dtype of x's elements, Bool (the zero Dtype) after an error.
func (s *Scope) DtypeOf(x Array) Dtype {
	if s.err != nil {
		return 0
	}
	d, err := x.Dtype()
	if err != nil {
		s.failOp("dtype", err)
	}
	return d
}
