package runtime

import (
	"errors"
	"runtime/debug"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Func is a function of arrays that can be transformed. It builds its results
// with the Scope that it is given, which is that of the call or, when MLX runs
// the function, one of its own. The args are the caller's: they are not to be
// closed.
//
// A Func must be pure: MLX may run it once, twice or, compiled, not at all. It must
// not end its goroutine, as a test's FailNow does: C++ lies between it and its
// caller, and the Worker is lost.
type Func func(s *Scope, args []Array) []Array

// PanicError is what a panic inside of a transformed function becomes, for it
// cannot unwind through MLX. It unwraps to the panic's value when that is an
// error.
type PanicError = bindings.PanicError

// errLost is the error of a Worker whose stack MLX will never come back to.
var errLost = errors.New("mlx: a transformed function ended its goroutine (runtime.Goexit, or a test's FailNow): its Worker cannot go on")

// errNothing is what a transformation says of a function without results.
var errNothing = errors.New("the function returned no array")

// inside runs fn, which MLX calls back, with a Scope of its own, and returns its
// results as handles for MLX. The first error is that of the Scope, also when fn
// went on to panic because of it.
func (e *engine) inside(stream bindings.Stream, state []*Array, fn func(s *Scope) []Array) (out []Array, err error) {
	e.depth++
	s := e.scope()
	s.stream, s.state = stream, state
	returned := false
	defer func() {
		if v := recover(); v != nil {
			s.failOp("", &PanicError{Value: v, Stack: debug.Stack()})
			out, err = nil, s.err
		} else if !returned {
			e.lost = errLost
		}
		s.release()
		e.depth--
	}()
	out = slices.Clone(fn(s))
	returned = true
	s.undoAssigned() // the state of a compiled function is among its results
	return out, s.finish("transform", out)
}

// closure makes f a closure of MLX, which may outlive s: MLX keeps what it needs
// of it until the graph is gone.
func (s *Scope) closure(f Func) (bindings.Closure, error) {
	e, stream := s.e, s.stream
	return bindings.NewClosure(func(args []Array) ([]Array, error) {
		return e.inside(stream, nil, func(s *Scope) []Array { return f(s, args) })
	})
}

// transform lends f to use as a closure of MLX and takes over the arrays that
// come out. The errors of f, and its panics, are those of s as they are.
func (s *Scope) transform(op string, f Func, use func(c bindings.Closure) ([]Array, error)) []Array {
	if !s.ok() {
		return nil
	}
	c, err := s.closure(f)
	if err != nil {
		s.failOp(op, err)
		return nil
	}
	defer s.close(&c)
	out, err := use(c)
	return s.ownAll(op, out, err)
}

// close closes a handle that s needed for a while.
func (s *Scope) close(h interface{ Close() error }) {
	if err := h.Close(); err != nil {
		s.failOp("closure_free", err)
	}
}

// returning is f, refused when it returns nothing or null.
func (f Func) returning(op string) Func {
	return func(s *Scope, args []Array) []Array {
		out := f(s, args)
		if s.err == nil && len(out) == 0 {
			s.failOp(op, errNothing)
		}
		s.check(op, out)
		return out
	}
}
