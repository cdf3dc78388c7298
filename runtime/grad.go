package runtime

import (
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Grad returns the function of the gradients of f's first result, a scalar, for
// the arguments at the positions argnums, in that order; for the first argument
// when none are given. A position may be counted from the end. See
// mlx.core.grad.
func Grad(f Func, argnums ...int) Func {
	valueAndGrad := differentiate("grad", f, argnums)
	return func(s *Scope, args []Array) []Array {
		_, grads := valueAndGrad(s, args)
		return grads
	}
}

// ValueAndGrad returns the function of f's results and of what Grad returns,
// computed together. Only the first result is differentiated. See
// mlx.core.value_and_grad.
func ValueAndGrad(f Func, argnums ...int) func(s *Scope, args []Array) (values, grads []Array) {
	return differentiate("value_and_grad", f, argnums)
}

func differentiate(op string, f Func, argnums []int) func(s *Scope, args []Array) (values, grads []Array) {
	if len(argnums) == 0 {
		argnums = []int{0}
	}
	argnums = slices.Clone(argnums)
	f = f.scalar(op)
	return func(s *Scope, args []Array) (values, grads []Array) {
		n := 0
		all := s.transform(op, f, func(c bindings.Closure) ([]Array, error) {
			asked, err := positions(argnums, len(args))
			if err != nil {
				return nil, err
			}
			sorted := slices.Sorted(slices.Values(asked))
			values, grads, err := valueAndGrad(c, sorted, args)
			if err != nil {
				return nil, err
			}
			n = len(values)
			for _, p := range asked { // MLX returns them sorted
				i, _ := slices.BinarySearch(sorted, p)
				values = append(values, grads[i])
			}
			return values, nil
		})
		return parts(all, n)
	}
}

// valueAndGrad applies the derivative of c.
func valueAndGrad(c bindings.Closure, argnums []int32, args []Array) (values, grads []Array, err error) {
	d, err := bindings.ValueAndGrad(c, argnums)
	if err != nil {
		return nil, nil, err
	}
	values, grads, err = d.Apply(args)
	if closing := d.Close(); err == nil {
		err = closing
	}
	return values, grads, err
}

// positions resolves argnums for n arguments.
func positions(argnums []int, n int) ([]int32, error) {
	out := make([]int32, len(argnums))
	for i, p := range argnums {
		at := p
		if p < 0 {
			at += n
		}
		if at < 0 || at >= n {
			return nil, fmt.Errorf("there is no argument %d of %d", p, n)
		}
		out[i] = int32(at)
		if slices.Contains(out[:i], out[i]) {
			return nil, fmt.Errorf("argument %d is asked for twice", p)
		}
	}
	return out, nil
}

// scalar is f, refused when its first result is not a scalar.
func (f Func) scalar(op string) Func {
	f = f.returning(op)
	return func(s *Scope, args []Array) []Array {
		out := f(s, args)
		if s.err == nil && s.Ndim(out[0]) != 0 {
			s.failOp(op, fmt.Errorf("the function's first result has the shape %v; it must be a scalar", s.Shape(out[0])))
		}
		return out
	}
}

// VJP returns the results of f at primals, and cotangents times their Jacobian:
// the gradients of the primals when the results have the gradients cotangents.
// There is one cotangent for each result, of its shape, but none for results of
// StopGradient. See mlx.core.vjp.
func VJP(s *Scope, f Func, primals, cotangents []Array) (outs, vjps []Array) {
	n := 0
	all := s.transform("vjp", f.returning("vjp"), func(c bindings.Closure) ([]Array, error) {
		outs, vjps, err := bindings.VJP(c, primals, cotangents)
		n = len(outs)
		if err == nil && n < len(cotangents) { // MLX ignores them
			err = fmt.Errorf("%d cotangents for %d results", len(cotangents), n)
		}
		return append(outs, vjps...), err
	})
	return parts(all, n)
}

// JVP returns the results of f at primals, and their Jacobian times tangents: how
// the results change when the primals move along tangents, one for each primal
// and of its shape. See mlx.core.jvp.
func JVP(s *Scope, f Func, primals, tangents []Array) (outs, jvps []Array) {
	n := 0
	all := s.transform("jvp", f.returning("jvp"), func(c bindings.Closure) ([]Array, error) {
		outs, jvps, err := bindings.JVP(c, primals, tangents)
		n = len(outs)
		return append(outs, jvps...), err
	})
	return parts(all, n)
}

// parts splits what came out after the first n, unless nothing did.
func parts(all []Array, n int) (first, rest []Array) {
	if all == nil {
		return nil, nil
	}
	return all[:n:n], all[n:]
}
