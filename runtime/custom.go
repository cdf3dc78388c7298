package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// Rules are transformations of a function that take the place of the derived
// ones. What is nil is derived. A rule may be called after the function's call has
// returned: when the gradient of what is around it is built. Derivatives are those
// for the arguments: arrays that the function captures are constants to them.
type Rules struct {
	// VJP returns the gradients of the primals, one for each and of its shape,
	// when outputs, what the function returned, have the gradients cotangents.
	VJP func(s *Scope, primals, cotangents, outputs []Array) []Array
	// JVP returns how the function's results change, one tangent for each, when
	// the primals move along tangents: one for each primal, zero where it stays.
	JVP func(s *Scope, primals, tangents []Array) []Array
	// Vmap does the function for each index of the axes of args, Unmapped where
	// an argument is not mapped, and says where in the results that axis is.
	Vmap func(s *Scope, args []Array, axes []int) (results []Array, resultAxes []int)
}

// CustomVJP returns f with a gradient of its own: see [Rules]. See
// mlx.core.custom_function.
func CustomVJP(f Func, vjp func(s *Scope, primals, cotangents, outputs []Array) []Array) Func {
	return CustomFunction(f, Rules{VJP: vjp})
}

// CustomJVP returns f with a forward derivative of its own: see [Rules].
func CustomJVP(f Func, jvp func(s *Scope, primals, tangents []Array) []Array) Func {
	return CustomFunction(f, Rules{JVP: jvp})
}

// CustomFunction returns f with transformations of its own. See
// mlx.core.custom_function.
func CustomFunction(f Func, rules Rules) Func {
	return func(s *Scope, args []Array) []Array {
		r := &ruled{Rules: rules, e: s.e, stream: s.stream}
		return s.transform("custom_function", r.measured(f), func(c bindings.Closure) ([]Array, error) {
			return r.apply(c, args)
		})
	}
}

// Checkpoint returns f as a function that keeps nothing between its arguments and
// its results for the gradient, but runs again when that is built: less memory
// for more time. Arrays that f captures are constants to the gradient: pass the
// weights as arguments. See mlx.core.checkpoint.
func Checkpoint(f Func) Func {
	return func(s *Scope, args []Array) []Array {
		return s.transform("checkpoint", f.returning("checkpoint"), func(c bindings.Closure) ([]Array, error) {
			return applyOnce(args, func() (bindings.Closure, error) { return bindings.Checkpoint(c) })
		})
	}
}

// applyOnce makes a closure, applies it and closes it.
func applyOnce(args []Array, newClosure func() (bindings.Closure, error)) ([]Array, error) {
	c, err := newClosure()
	if err != nil {
		return nil, err
	}
	out, err := c.Apply(args)
	if closing := c.Close(); err == nil {
		err = closing
	}
	return out, err
}
