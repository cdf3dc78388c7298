package runtime

import "errors"

// faults makes operations fail on purpose.
type faults struct {
	ops     int // operations of Scopes so far
	failAt  int // the operation that fails, or 0
	failErr error
}

// Ops counts the operations that Scopes of this Worker ran so far, the references
// taken of returned or assigned inputs included.
func (t *Thread) Ops() int {
	if t == nil || t.e == nil {
		return 0
	}
	return t.e.ops
}

// FailAt makes the n-th operation of a Scope from now fail with err, n counting
// from 1. FailAt(0, nil) takes that back. It is for tests: let operation n fail
// for every n and see that nothing leaks and no state changes.
func (t *Thread) FailAt(n int, err error) {
	if t == nil || t.e == nil {
		return
	}
	if n <= 0 {
		t.e.failAt, t.e.failErr = 0, nil
		return
	}
	if err == nil {
		err = errors.New("injected failure")
	}
	t.e.failAt, t.e.failErr = t.e.ops+n, err
}

// injected returns the error of FailAt when the operation just run is the one.
func (f *faults) injected() error {
	if f.ops != f.failAt {
		return nil
	}
	return f.failErr
}
