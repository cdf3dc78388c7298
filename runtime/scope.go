package runtime

import (
	"errors"
	"fmt"
	"math"
	stdruntime "runtime"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// errDone is the error of a Scope whose Build has returned.
var errDone = errors.New("mlx: Scope used after its Build")

// Scope builds one lazy graph. Its methods, one for each operation of MLX,
// return arrays that the Scope owns. It keeps the first error; from then on the
// methods return the zero Array at once, so that a function of operations needs
// no checks. A Scope has no access to data: nothing is computed before Build
// returns.
//
// A Scope is good for the call of the function that it was given to, on the
// goroutine of that call.
type Scope struct {
	e         *engine
	stream    bindings.Stream
	owned     []Array
	assigned  []assignment
	onSuccess []func()
	scratch   []int32
	once      map[any][]Array // what Once made
	depth     int             // how many callbacks of MLX it is inside of
	state     []*Array        // what may be assigned although it is inside of one
	err       error
}

// Build calls fn with a Scope and returns the array that fn returned, for the
// caller to close. Everything else that the Scope owns is freed in one call, and
// nothing is computed yet. If any operation failed, or fn called Fail, Build
// returns that error and an array that is null, and no destination of an Assign
// has changed. That fn then indexed results that are not there, as in
// Grad(f)(s, args)[0], is no panic but a consequence.
func (t *Thread) Build(fn func(s *Scope) Array) (Array, error) {
	s, err := t.scope()
	if err != nil {
		return Array{}, err
	}
	defer s.release()
	result := [1]Array{attempt(s, fn)}
	if err := s.finish("build", result[:]); err != nil {
		return Array{}, err
	}
	return result[0], nil
}

// BuildAll is Build for any number of arrays, also none, when only assignments
// matter.
func (t *Thread) BuildAll(fn func(s *Scope) []Array) ([]Array, error) {
	s, err := t.scope()
	if err != nil {
		return nil, err
	}
	defer s.release()
	result := append([]Array(nil), attempt(s, fn)...)
	if err := s.finish("build", result); err != nil {
		return nil, err
	}
	return result, nil
}

// attempt calls fn, and takes Go's complaints after an error for what they are.
func attempt[R any](s *Scope, fn func(s *Scope) R) R {
	defer func() {
		if s.err == nil {
			return
		}
		if v := recover(); v != nil {
			if _, ok := v.(stdruntime.Error); !ok {
				panic(v)
			}
		}
	}()
	return fn(s)
}

// scope is the engine's, outside of Do an error.
func (t *Thread) scope() (*Scope, error) {
	e, err := t.live()
	if err != nil {
		return nil, err
	}
	return e.scope(), nil
}

// scope takes a Scope that is at rest, or makes one.
func (e *engine) scope() *Scope {
	n := len(e.scopes)
	if n == 0 {
		return &Scope{e: e, stream: e.stream, scratch: make([]int32, 0, 64), depth: e.depth}
	}
	s := e.scopes[n-1]
	e.scopes = e.scopes[:n-1]
	s.stream, s.depth, s.state, s.err = e.stream, e.depth, nil, nil
	return s
}

// release frees what the Scope still owns and lays it to rest. After a panic in
// fn that is everything.
func (s *Scope) release() {
	s.undoAssigned()
	s.closeOwned()
	clear(s.onSuccess)
	s.onSuccess = s.onSuccess[:0]
	clear(s.once)
	s.err = errDone
	s.e.scopes = append(s.e.scopes, s)
}

func (s *Scope) closeOwned() {
	if err := bindings.CloseAll(s.owned); err != nil && s.err == nil {
		s.err = newError("array_free", err)
	}
	s.owned = s.owned[:0]
}

// finish takes the results out of the Scope, applies the assignments and frees
// the rest, the destinations' old values with it: before any eval, for MLX reuses
// memory that nobody holds. On failure everything is freed.
func (s *Scope) finish(op string, results []Array) error {
	s.check(op, results)
	taken := 0
	for ; taken < len(results) && s.err == nil; taken++ {
		results[taken] = s.take(op, results[taken])
	}
	if s.err != nil {
		s.owned = append(s.owned, results[:taken]...)
		clear(results)
		return s.err
	}
	s.applyAssigned()
	s.closeOwned()
	for _, f := range s.onSuccess {
		f()
	}
	return nil
}

// check refuses results that are null although nothing failed.
func (s *Scope) check(op string, results []Array) {
	for i, a := range results {
		if s.err == nil && a.IsNull() {
			s.failOp(op, fmt.Errorf("result %d is null (never made, or closed)", i))
		}
	}
}

// take moves an array out of the Scope. One that it does not own, an input, or
// one taken before, is retained instead.
func (s *Scope) take(op string, a Array) Array {
	for i := len(s.owned) - 1; i >= 0; i-- {
		if s.owned[i] == a {
			s.owned[i] = Array{}
			return a
		}
	}
	kept, err := a.Retain()
	if s.passes(err) {
		return kept
	}
	s.owned = append(s.owned, kept)
	return s.reject(op, err)
}

// OnSuccess calls f when Build succeeds, after the assignments: the place for
// state in Go that must change together with the arrays. Inside of a transformed
// function it is an error, for MLX may run that once, twice or never.
func (s *Scope) OnSuccess(f func()) {
	if s.err == nil && s.e.depth > 0 {
		s.failOp("on_success", errTransformed)
	}
	if s.err == nil {
		s.onSuccess = append(s.onSuccess, f)
	}
}

// Fail makes Build fail with err, unless something failed before.
func (s *Scope) Fail(err error) {
	if s.err == nil && err != nil {
		s.err = newError("", err)
	}
}

// Err returns the first error so far, for loops that would go on in vain.
func (s *Scope) Err() error { return s.err }

// failOp records the error of an operation.
func (s *Scope) failOp(op string, err error) {
	if s.err == nil {
		s.err = newError(op, err)
	}
}

// The generated methods stand on the functions below: ok before the operation,
// dims and i32 for its arguments, own for its results.

// ok reports whether operations still run.
func (s *Scope) ok() bool {
	s.scratch = s.scratch[:0]
	return s.err == nil
}

// dims converts dimensions, in memory that is good until the next operation. Nil
// stays nil: MLX tells it from empty.
func (s *Scope) dims(op string, v []int) []int32 {
	if v == nil {
		return nil
	}
	from := len(s.scratch)
	for _, n := range v {
		s.scratch = append(s.scratch, s.i32(op, n))
	}
	return s.scratch[from:len(s.scratch):len(s.scratch)]
}

// i32 converts an int, or records the error and returns 0.
func (s *Scope) i32(op string, n int) int32 {
	if n < math.MinInt32 || n > math.MaxInt32 {
		s.failOp(op, fmt.Errorf("%d does not fit in 32 bits", n))
		return 0
	}
	return int32(n)
}

// own takes over the result of an operation.
func (s *Scope) own(op string, r Array, err error) Array {
	s.owned = append(s.owned, r)
	if s.passes(err) {
		return r
	}
	return s.reject(op, err)
}

func (s *Scope) own2(op string, a, b Array, err error) (Array, Array) {
	s.owned = append(s.owned, a, b)
	if s.passes(err) {
		return a, b
	}
	return s.reject(op, err), Array{}
}

func (s *Scope) ownAll(op string, r []Array, err error) []Array {
	s.owned = append(s.owned, r...)
	if s.passes(err) {
		return r
	}
	s.reject(op, err)
	return nil
}

// passes counts an operation and reports whether all is well: no error of its
// own, none in its arguments, none injected.
func (s *Scope) passes(err error) bool {
	s.e.ops++
	return err == nil && s.err == nil && s.e.ops != s.e.failAt
}

// reject records why an operation did not pass.
func (s *Scope) reject(op string, err error) Array {
	if err == nil {
		err = s.e.injected()
	}
	if err != nil {
		s.failOp(op, err)
	}
	return Array{}
}
