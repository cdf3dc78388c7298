package nn

import (
	"errors"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ValueAndGrad returns the loss, and its gradient by each of the parameters, in
// their order. The function runs once, with a Scope of its own; what it takes
// from outside counts as constant.
//
//	params := nn.Trainable(model)
//	loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
//		return losses.CrossEntropy(s, model.Forward(s, x), y, losses.Mean)
//	})
//	for i, p := range params {
//		p.Assign(s, s.Subtract(p.Array(), s.Multiply(rate, grads[i])))
//	}
//
// See mlx.nn.value_and_grad.
func ValueAndGrad(s *mlx.Scope, params Tree, loss func(s *mlx.Scope) mlx.Array) (value mlx.Array, grads []mlx.Array) {
	values, grads := ValuesAndGrad(s, params, func(s *mlx.Scope) []mlx.Array { return []mlx.Array{loss(s)} })
	if len(values) == 0 {
		return mlx.Array{}, nil
	}
	return values[0], grads
}

// ValuesAndGrad is ValueAndGrad for a function that returns more than its loss,
// which comes first: a count of tokens, a BatchNorm's new statistics. Nothing is
// returned after an error.
func ValuesAndGrad(s *mlx.Scope, params Tree, fn func(s *mlx.Scope) []mlx.Array) (values, grads []mlx.Array) {
	if s.Err() == nil && len(params) == 0 {
		s.Fail(errors.New("nn: value_and_grad: there are no parameters"))
	}
	argnums := make([]int, len(params))
	for i, l := range params {
		if !l.ready(s) {
			return nil, nil
		}
		argnums[i] = i
	}
	if s.Err() != nil {
		return nil, nil
	}
	pure := func(s *mlx.Scope, args []mlx.Array) (out []mlx.Array) {
		params.With(args, func() { out = fn(s) })
		return out
	}
	return mlx.ValueAndGrad(pure, argnums...)(s, params.Arrays())
}
