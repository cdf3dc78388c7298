package runtime

import (
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Rules are transformations of a function that take the place of the derived
// ones. What is nil is derived. A rule may be called after the function's call has
// returned: when the gradient of what is around it is built.
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
		return s.transform("custom_function", r.counting(f), func(c bindings.Closure) ([]Array, error) {
			return r.apply(c, args)
		})
	}
}

// Checkpoint returns f as a function that keeps nothing between its arguments and
// its results for the gradient, but runs again when that is built: less memory
// for more time. See mlx.core.checkpoint.
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

// ruled is one call of a function with rules. MLX trusts what rules return, so
// that is checked here.
type ruled struct {
	Rules
	e       *engine
	stream  Stream
	results int // how many the function has
}

// counting is f, which notes how many results it has.
func (r *ruled) counting(f Func) Func {
	f = f.returning("custom_function")
	return func(s *Scope, args []Array) []Array {
		out := f(s, args)
		r.results = len(out)
		return out
	}
}

func (r *ruled) apply(c bindings.Closure, args []Array) ([]Array, error) {
	vjp, jvp, vmap, err := r.closures()
	var out []Array
	if err == nil {
		out, err = applyOnce(args, func() (bindings.Closure, error) { return bindings.CustomFunction(c, vjp, jvp, vmap) })
	}
	for _, closing := range []error{vjp.Close(), jvp.Close(), vmap.Close()} {
		if err == nil {
			err = closing
		}
	}
	return out, err
}

// closures makes the closures of the rules that there are.
func (r *ruled) closures() (vjp bindings.ClosureCustom, jvp bindings.ClosureCustomJVP, vmap bindings.ClosureCustomVmap, err error) {
	if r.VJP != nil {
		vjp, err = bindings.NewClosureCustom(r.vjp)
	}
	if r.JVP != nil && err == nil {
		jvp, err = bindings.NewClosureCustomJVP(r.jvp)
	}
	if r.Vmap != nil && err == nil {
		vmap, err = bindings.NewClosureCustomVmap(r.vmap)
	}
	return vjp, jvp, vmap, err
}

func (r *ruled) vjp(primals, cotangents, outputs []Array) ([]Array, error) {
	return r.e.inside(r.stream, nil, func(s *Scope) []Array {
		grads := r.VJP(s, primals, cotangents, outputs)
		s.expect("custom_vjp", "gradients", len(grads), len(primals))
		for i := 0; i < len(grads) && s.err == nil; i++ {
			if got, want := s.Shape(grads[i]), s.Shape(primals[i]); !slices.Equal(got, want) {
				s.failOp("custom_vjp", fmt.Errorf("gradient %d has the shape %v, its argument %v", i, got, want))
			}
		}
		return grads
	})
}

func (r *ruled) jvp(primals, tangents []Array, argnums []int32) ([]Array, error) {
	return r.e.inside(r.stream, nil, func(s *Scope) []Array {
		all := make([]Array, len(primals))
		for i, t := range tangents {
			all[argnums[i]] = t
		}
		for i, t := range all {
			if t.IsNull() {
				all[i] = s.ZerosLike(primals[i])
			}
		}
		out := r.JVP(s, primals, all)
		s.expect("custom_jvp", "tangents", len(out), r.results)
		return out
	})
}

func (r *ruled) vmap(args []Array, axes []int32) (out []Array, outAxes []int32, err error) {
	out, err = r.e.inside(r.stream, nil, func(s *Scope) []Array {
		results, where := r.Vmap(s, args, mappedAxes(axes))
		s.expect("custom_vmap", "results", len(results), r.results)
		s.expect("custom_vmap", "axes", len(where), r.results)
		if s.err != nil {
			return nil
		}
		var err error
		if outAxes, err = resolveAxes("result", where, results, 0); err != nil {
			s.failOp("custom_vmap", err)
		}
		return results
	})
	return out, outAxes, err
}

// mappedAxes says with Unmapped what MLX says with -1.
func mappedAxes(axes []int32) []int {
	out := make([]int, len(axes))
	for i, a := range axes {
		out[i] = int(a)
		if a < 0 {
			out[i] = Unmapped
		}
	}
	return out
}

// expect fails when a rule returned another number of things than MLX will take.
func (s *Scope) expect(op, what string, got, want int) {
	if s.err == nil && got != want {
		s.failOp(op, fmt.Errorf("the rule returned %d %s, not %d", got, what, want))
	}
}
