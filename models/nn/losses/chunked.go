package losses

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Chunked is the cross entropy of logits that are never there as a whole: rows of
// them are made, compared and forgotten, and their gradients, which are as large as
// what they are the gradients of, are made with them. A model's logits are many
// times its other activations: 2,048 tokens of a vocabulary of 262,144 take 2 GB.
type Chunked struct {
	// Head maps h [n, D], and the parameters behind it, to logits [n, V]. What it
	// captures is constant.
	Head   func(s *mlx.Scope, in []mlx.Array) mlx.Array
	Params []mlx.Array // of Head, which are differentiated by
	Rows   int         // of logits at a time, at most
}

// Sum is the sum, a scalar of float32, over rows of weights [N] times the cross
// entropy of Head(h [N, D]) and targets [N], class indices. Logits are compared in
// float32. Its gradients are those by h and Params, once; where there will be none,
// Value takes half of the time.
func (c Chunked) Sum(s *mlx.Scope, h, targets, weights mlx.Array) mlx.Array {
	return c.each(s, h, targets, weights, func(part, targets, weights mlx.Array) mlx.Array {
		return c.differentiable(s, part, targets, weights)
	})
}

// Value is Sum without gradients.
func (c Chunked) Value(s *mlx.Scope, h, targets, weights mlx.Array) mlx.Array {
	return c.each(s, h, targets, weights, func(part, targets, weights mlx.Array) mlx.Array {
		return c.loss(s, targets, weights, append([]mlx.Array{part}, c.Params...))
	})
}

// each adds up what f makes of every chunk, one after the other: a chunk waits for
// the loss of the one before.
func (c Chunked) each(s *mlx.Scope, h, targets, weights mlx.Array, f func(h, targets, weights mlx.Array) mlx.Array) mlx.Array {
	shape := s.Shape(h)
	if s.Err() != nil {
		return mlx.Array{}
	}
	if len(shape) != 2 || c.Rows < 1 {
		s.Fail(fmt.Errorf("losses: chunked cross entropy: %d rows at a time of %v, want [N, D]", c.Rows, shape))
		return mlx.Array{}
	}
	var ends []int
	parts := (shape[0] + c.Rows - 1) / c.Rows // of equal sizes
	for i := 1; i < parts; i++ {
		ends = append(ends, i*shape[0]/parts)
	}
	if len(ends) == 0 {
		return f(h, targets, weights)
	}
	hs, ts, ws := s.SplitSections(h, ends, 0), s.SplitSections(targets, ends, 0), s.SplitSections(weights, ends, 0)
	if s.Err() != nil {
		return mlx.Array{}
	}
	total := f(hs[0], ts[0], ws[0])
	for i := 1; i < len(hs); i++ {
		nothing := s.AsType(s.Multiply(s.StopGradient(total), num(s, 0, total)), s.DtypeOf(h))
		total = s.Add(total, f(s.Add(hs[i], nothing), ts[i], ws[i]))
	}
	return total
}

// differentiable is the loss of a chunk, with its gradients among what is computed.
func (c Chunked) differentiable(s *mlx.Scope, h, targets, weights mlx.Array) mlx.Array {
	args := append([]mlx.Array{h}, c.Params...)
	argnums, fixed := make([]int, len(args)), make([]mlx.Array, len(args))
	for i, a := range args {
		argnums[i], fixed[i] = i, s.StopGradient(a)
	}
	value, grads := mlx.ValueAndGrad(func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
		return []mlx.Array{c.loss(s, targets, weights, in)}
	}, argnums...)(s, fixed)
	if s.Err() != nil {
		return mlx.Array{}
	}
	return known(s, value[0], args, grads)
}

// known is a value [] whose gradients by args are known. They are arguments of the
// function too and not results beside the value: MLX's compile never frees a custom
// function of which a result is used by its gradient alone (0.32.2).
func known(s *mlx.Scope, value mlx.Array, args, grads []mlx.Array) mlx.Array {
	n := len(args)
	forward := func(s *mlx.Scope, in []mlx.Array) []mlx.Array { return in[2*n:] }
	backward := func(s *mlx.Scope, primals, cotangents, _ []mlx.Array) []mlx.Array {
		out := make([]mlx.Array, 0, len(primals))
		for _, g := range primals[n : 2*n] {
			out = append(out, s.Multiply(g, s.AsType(cotangents[0], s.DtypeOf(g))))
		}
		for _, p := range primals[n:] {
			out = append(out, s.ZerosLike(p))
		}
		return out
	}
	out := mlx.CustomVJP(forward, backward)(s, append(append(slices.Clone(args), grads...), value))
	if len(out) == 0 {
		return mlx.Array{} // an error went before
	}
	return out[0]
}

// loss is the sum over a chunk; in is h and the parameters.
func (c Chunked) loss(s *mlx.Scope, targets, weights mlx.Array, in []mlx.Array) mlx.Array {
	logits := s.AsType(c.Head(s, in), mlx.Float32)
	return s.Sum(s.Multiply(weights, indexCrossEntropy(s, logits, targets)), false)
}

// indexCrossEntropy is CrossEntropy of logits [N, V] and indices [N], whose gradient
// takes two passes over the logits.
func indexCrossEntropy(s *mlx.Scope, logits, targets mlx.Array) mlx.Array {
	forward := func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
		score := s.TakeAlongAxis(in[0], s.ExpandDims(targets, -1), -1) // [N, 1]
		return []mlx.Array{s.SqueezeAxis(s.Subtract(in[1], score), -1)}
	}
	backward := func(s *mlx.Scope, primals, cotangents, _ []mlx.Array) []mlx.Array {
		scale := s.ExpandDims(cotangents[0], -1) // [N, 1]
		probs := s.Multiply(s.Exp(s.Subtract(primals[0], primals[1])), scale)
		return []mlx.Array{s.ScatterAddAxis(probs, s.ExpandDims(targets, -1), s.Negative(scale), -1), s.ZerosLike(primals[1])}
	}
	lse := s.LogSumExpAxis(s.StopGradient(logits), -1, true) // [N, 1]; no result: see known
	out := mlx.CustomVJP(forward, backward)(s, []mlx.Array{logits, lse})
	if len(out) == 0 {
		return mlx.Array{}
	}
	return out[0]
}
