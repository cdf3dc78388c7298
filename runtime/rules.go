package runtime

import (
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// ruled is one call of a function with rules. MLX trusts what rules return, so
// that is checked here.
type ruled struct {
	Rules
	e      *engine
	stream bindings.Stream
	shapes [][]int // of the function's results
}

// measured is f, which notes the shapes of its results.
func (r *ruled) measured(f Func) Func {
	f = f.returning("custom_function")
	return func(s *Scope, args []Array) []Array {
		out := f(s, args)
		r.shapes = shapes(s, out)
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
		s.expectShapes("custom_vjp", "gradient", grads, shapes(s, primals))
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
		s.expectShapes("custom_jvp", "tangent", out, r.shapes)
		return out
	})
}

func (r *ruled) vmap(args []Array, axes []int32) (out []Array, outAxes []int32, err error) {
	out, err = r.e.inside(r.stream, nil, func(s *Scope) []Array {
		results, where := r.Vmap(s, args, mappedAxes(axes))
		outAxes = s.expectMapped(results, where, r.shapes)
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

// expect fails when a rule returned another number of arrays than MLX will take,
// or null ones.
func (s *Scope) expect(op, what string, arrays []Array, want int) {
	if s.err == nil && len(arrays) != want {
		s.failOp(op, fmt.Errorf("the rule returned %d %ss, not %d", len(arrays), what, want))
	}
	s.check(op, arrays)
}

// expectShapes fails when a rule returned other shapes than MLX will take.
func (s *Scope) expectShapes(op, what string, arrays []Array, want [][]int) {
	s.expect(op, what, arrays, len(want))
	for i, got := range shapes(s, arrays) {
		if s.err == nil && !slices.Equal(got, want[i]) {
			s.failOp(op, fmt.Errorf("the rule's %s %d has the shape %v, not %v", what, i, got, want[i]))
		}
	}
}

// expectMapped is expectShapes for results with one more axis, and resolves that.
func (s *Scope) expectMapped(results []Array, where []int, want [][]int) []int32 {
	s.expect("custom_vmap", "result", results, len(want))
	if s.err == nil && len(where) != len(want) {
		s.failOp("custom_vmap", fmt.Errorf("the rule returned the axes of %d results, not of %d", len(where), len(want)))
	}
	if s.err != nil {
		return nil
	}
	axes, err := resultAxes(where, results, 0)
	if err != nil {
		s.failOp("custom_vmap", err)
	}
	for i := 0; i < len(results) && s.err == nil; i++ {
		got, at := s.Shape(results[i]), int(axes[i])
		if !slices.Equal(slices.Delete(slices.Clone(got), at, at+1), want[i]) {
			s.failOp("custom_vmap", fmt.Errorf("the rule's result %d has the shape %v, which is not %v with an axis at %d", i, got, want[i], at))
		}
	}
	return axes
}

func shapes(s *Scope, arrays []Array) [][]int {
	out := make([][]int, len(arrays))
	for i, a := range arrays {
		out[i] = s.Shape(a)
	}
	return out
}
