package bindings

import (
	"fmt"
	"maps"
	"runtime/cgo"
	"runtime/debug"
	"slices"
	"unsafe"
)

// #include "callback.h"
// #cgo nocallback gm_take_callback_error
import "C"

// PanicError is what a panic inside a Go callback becomes: C++ frames lie
// between the callback and its caller, so it cannot unwind.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the panic's value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in a callback: %v", e.Value) }

// Unwrap returns the panic's value when it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// call is one application of a Go function by MLX. It owns the handles that the
// function was given and those that it returned.
type call struct {
	c    *C.gm_call
	owns [][]Array
}

// applied is what every kind of Go callback is reduced to.
type applied func(c *call) error

//export gmGoCall
func gmGoCall(payload C.uintptr_t, c *C.gm_call) (status C.int) {
	fn := cgo.Handle(payload).Value().(applied)
	if err := runCallback(fn, &call{c: c}); err != nil {
		C.gm_set_callback_error(C.uintptr_t(cgo.NewHandle(err)))
		return 1
	}
	return 0
}

func runCallback(fn applied, c *call) error {
	defer func() { closeOnce(c.owns) }()
	return guard(func() error { return fn(c) })
}

// guard runs what a user gave and makes an error of its panic.
func guard(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}

//export gmGoRelease
func gmGoRelease(payload unsafe.Pointer) { cgo.Handle(uintptr(payload)).Delete() }

// inputs opens the handles of one input vector.
func (c *call) inputs(i int) []Array {
	var n C.size_t
	p := C.gm_call_inputs(c.c, C.int(i), &n)
	in := takeHandles[Array](kindArray, uintptr(unsafe.Pointer(p)), uintptr(n))
	c.owns = append(c.owns, in)
	return in
}

// kwargs opens the handles of the inputs that have names.
func (c *call) kwargs() map[string]Array {
	var n C.size_t
	var values *C.uintptr_t
	keys := C.gm_call_kwargs(c.c, &values, &n)
	named := takeArrayMap(uintptr(unsafe.Pointer(keys)), uintptr(unsafe.Pointer(values)), uintptr(n))
	c.owns = append(c.owns, slices.Collect(maps.Values(named)))
	return named
}

func (c *call) ints() []int32 {
	return append([]int32{}, unsafe.Slice((*int32)(unsafe.Pointer(c.c.ints)), c.c.n_ints)...)
}

// result hands what the function returned to MLX, which takes references of its
// own, unless it returned an error.
func (c *call) result(i int, arrays []Array, err error) error {
	c.owns = append(c.owns, arrays)
	if err != nil {
		return err
	}
	data := (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(arrays)))
	if C.gm_call_result(c.c, C.int(i), data, C.size_t(len(arrays))) != 0 {
		return fmt.Errorf("bindings: a callback returned a null array")
	}
	return nil
}

func (c *call) resultInts(ints []int32) {
	C.gm_call_ints(c.c, (*C.int)(unsafe.Pointer(unsafe.SliceData(ints))), C.size_t(len(ints)))
}

// closeOnce closes lists that may share handles: a callback may return its own
// inputs.
func closeOnce(lists [][]Array) {
	seen := map[Array]bool{}
	var all []Array
	for _, l := range lists {
		for _, a := range l {
			if a.h != 0 && !seen[a] {
				seen[a] = true
				all = append(all, a)
			}
		}
	}
	_ = CloseAll(all) // freeing an array that exists does not fail
}

// newClosure makes a handle for fn with one of the constructors of callback.c.
func newClosure(op string, fn applied, make func(C.uintptr_t) C.gm_ret1) (uintptr, error) {
	if err := ensure(); err != nil {
		return 0, err
	}
	payload := cgo.NewHandle(fn)
	r := make(C.uintptr_t(payload))
	if r.err != nil {
		payload.Delete()
		return 0, fail(op, r.err)
	}
	return uintptr(r.w0), nil
}

// NewClosure wraps a Go function. The inputs are closed after fn returns, and
// so are the results, once MLX holds them: fn keeps what it retains. An error
// or panic of fn comes back, as it was, from the call that applied the closure.
//
// C: mlx_closure_new_func_payload.
func NewClosure(fn func(in []Array) ([]Array, error)) (Closure, error) {
	h, err := newClosure("closure_new_func_payload", func(c *call) error {
		out, err := fn(c.inputs(0))
		return c.result(0, out, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure(p) })
	return Closure{opened(kindClosure, h)}, err
}

// NewClosureKwargs wraps a Go function that takes arrays by name as well.
// Ownership is as for NewClosure.
//
// C: mlx_closure_kwargs_new_func_payload.
func NewClosureKwargs(fn func(in []Array, kwargs map[string]Array) ([]Array, error)) (ClosureKwargs, error) {
	h, err := newClosure("closure_kwargs_new_func_payload", func(c *call) error {
		out, err := fn(c.inputs(0), c.kwargs())
		return c.result(0, out, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure_kwargs(p) })
	return ClosureKwargs{opened(kindClosureKwargs, h)}, err
}

// NewClosureValueAndGrad wraps a Go function that returns values and gradients.
// Ownership is as for NewClosure.
//
// C: mlx_closure_value_and_grad_new_func_payload.
func NewClosureValueAndGrad(fn func(in []Array) (values, grads []Array, err error)) (ClosureValueAndGrad, error) {
	h, err := newClosure("closure_value_and_grad_new_func_payload", func(c *call) error {
		values, grads, err := fn(c.inputs(0))
		err = c.result(0, values, err)
		return c.result(1, grads, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure_value_and_grad(p) })
	return ClosureValueAndGrad{opened(kindClosureValueAndGrad, h)}, err
}

// NewClosureCustom wraps the Go function of a custom VJP: from primals,
// cotangents and outputs to the gradients of the primals. Ownership is as for
// NewClosure.
//
// C: mlx_closure_custom_new_func_payload.
func NewClosureCustom(fn func(primals, cotangents, outputs []Array) ([]Array, error)) (ClosureCustom, error) {
	h, err := newClosure("closure_custom_new_func_payload", func(c *call) error {
		out, err := fn(c.inputs(0), c.inputs(1), c.inputs(2))
		return c.result(0, out, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure_custom(p) })
	return ClosureCustom{opened(kindClosureCustom, h)}, err
}

// NewClosureCustomJVP wraps the Go function of a custom JVP: from primals and
// the tangents of the arguments argnums to the tangents of the outputs.
// Ownership is as for NewClosure.
//
// C: mlx_closure_custom_jvp_new_func_payload.
func NewClosureCustomJVP(fn func(primals, tangents []Array, argnums []int32) ([]Array, error)) (ClosureCustomJVP, error) {
	h, err := newClosure("closure_custom_jvp_new_func_payload", func(c *call) error {
		out, err := fn(c.inputs(0), c.inputs(1), c.ints())
		return c.result(0, out, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure_custom_jvp(p) })
	return ClosureCustomJVP{opened(kindClosureCustomJVP, h)}, err
}

// NewClosureCustomVmap wraps the Go function of a custom vmap: from inputs and
// the axis of each (-1 where it is not mapped) to outputs and the axis of each.
// Ownership is as for NewClosure.
//
// C: mlx_closure_custom_vmap_new_func_payload.
func NewClosureCustomVmap(fn func(in []Array, axes []int32) (out []Array, outAxes []int32, err error)) (ClosureCustomVmap, error) {
	h, err := newClosure("closure_custom_vmap_new_func_payload", func(c *call) error {
		out, axes, err := fn(c.inputs(0), c.ints())
		c.resultInts(axes)
		return c.result(0, out, err)
	}, func(p C.uintptr_t) C.gm_ret1 { return C.gm_closure_custom_vmap(p) })
	return ClosureCustomVmap{opened(kindClosureCustomVmap, h)}, err
}
