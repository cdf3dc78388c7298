package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// TopKFunc is TopK or TopKNegated.
type TopKFunc func(s *mlx.Scope, x mlx.Array, k int) mlx.Array

// TopK returns the indices [..., k] of the k largest of x [..., n], in no
// particular order: mx.argpartition(x, kth=-k)[..., -k:]. No gradient goes
// through them.
func TopK(s *mlx.Scope, x mlx.Array, k int) mlx.Array {
	return s.StopGradient(lastAxis(s, s.ArgpartitionAxis(x, -k, -1), -k))
}

// TopKNegated is TopK as mx.argpartition(-x, kth=k-1)[..., :k]. Among equals, and
// in the order, the two may differ: a model takes the one that its reference has.
func TopKNegated(s *mlx.Scope, x mlx.Array, k int) mlx.Array {
	return s.StopGradient(lastAxis(s, s.ArgpartitionAxis(s.Negative(x), k-1, -1), k))
}

// Likeliest chooses k of n experts by the softmax of their scores [..., n], with
// choose, and weighs them by it: [..., k] each. Normalised weights add up to 1.
func Likeliest(s *mlx.Scope, scores mlx.Array, k int, choose TopKFunc, normalise bool) (experts, weights mlx.Array) {
	likely := s.SoftmaxAxis(scores, -1, true)
	experts = choose(s, likely, k)
	weights = s.TakeAlongAxis(likely, experts, -1)
	if normalise {
		weights = s.Divide(weights, s.SumAxis(weights, -1, true))
	}
	return experts, weights
}

// lastAxis keeps the first k of the last dimension, or the last ones where k is
// negative.
func lastAxis(s *mlx.Scope, x mlx.Array, k int) mlx.Array {
	stop := s.Shape(x)
	if len(stop) == 0 {
		return x // an error went before
	}
	start := make([]int, len(stop))
	strides := make([]int, len(stop))
	for i := range strides {
		strides[i] = 1
	}
	last := len(stop) - 1
	if k < 0 {
		start[last] = stop[last] + k
	} else {
		stop[last] = k
	}
	return s.Slice(x, start, stop, strides)
}

// Routes says which experts each token goes to.
type Routes struct {
	indices mlx.Array // [..., k], or [N*k] ascending when sorted
	shape   []int     // [..., k]
	sorted  bool
	tokens  mlx.Array // [N*k] which token each row is, when sorted
	inverse mlx.Array // [N*k] where each row was
}

// sortFrom is how many rows are worth sorting by their experts, so that each
// expert's weight is read once; fewer go in the order of the tokens.
const sortFrom = 64

// Route makes the routes of tokens by indices [..., k] of their experts (TopK).
func Route(s *mlx.Scope, indices mlx.Array) Routes {
	r := Routes{indices: indices, shape: s.Shape(indices)}
	rows := 1
	for _, d := range r.shape {
		rows *= d
	}
	if rows < sortFrom || len(r.shape) < 2 {
		return r
	}
	flat := s.Reshape(indices, rows)
	order := s.Argsort(flat)
	r.sorted, r.indices, r.inverse = true, s.Take(flat, order), s.Argsort(order)
	r.tokens = s.FloorDivide(order, s.Scalar(float64(r.shape[len(r.shape)-1]), mlx.Uint32))
	return r
}

// Send lays tokens x [..., D] out for SwitchLinear: as [..., 1, 1, D], which all of
// a token's experts share, or as [N*k, 1, D] in the order of the experts.
func (r Routes) Send(s *mlx.Scope, x mlx.Array) mlx.Array {
	if !r.sorted {
		return s.ExpandDimsAxes(x, -2, -3)
	}
	return s.TakeAxis(s.Reshape(x, -1, 1, s.Dim(x, -1)), r.tokens, 0)
}

// Collect brings what the experts made back to the tokens: [..., k, D].
func (r Routes) Collect(s *mlx.Scope, y mlx.Array) mlx.Array {
	if r.sorted {
		y = s.TakeAxis(y, r.inverse, 0)
	}
	if len(r.shape) == 0 {
		return y // an error went before
	}
	return s.Reshape(y, append(r.shape[:len(r.shape):len(r.shape)], s.Dim(y, -1))...)
}

// Mix is the sum of the experts' outputs y [..., k, D], weighed by scores [..., k],
// in the dtype of y: [..., D].
func Mix(s *mlx.Scope, y, scores mlx.Array) mlx.Array {
	dtype := s.DtypeOf(y)
	return s.AsType(s.SumAxis(s.Multiply(y, s.ExpandDims(scores, -1)), -2, false), dtype)
}
