package losses

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// CrossEntropy compares logits with targets: class indices, of the logits'
// shape without the axis of the classes, or probabilities of the logits' shape.
// Options: Weights, Axis (-1), LabelSmoothing (0); the reduction is None.
func CrossEntropy(s *mlx.Scope, logits, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "cross_entropy", reduction: None, axis: -1}.with(s, opts, "Weights", "Axis", "LabelSmoothing")
	if !(c.smoothing >= 0 && c.smoothing < 1) {
		c.fail(s, "label smoothing %v is not in [0, 1)", c.smoothing)
	}
	probs := s.Ndim(targets) == s.Ndim(logits)
	c.checkTargets(s, logits, targets, probs)
	logits = s.Subtract(logits, s.StopGradient(s.MaxAxis(logits, c.axis, true)))
	var score mlx.Array
	if probs {
		score = s.SumAxis(s.Multiply(logits, targets), c.axis, false)
	} else {
		score = pick(s, logits, targets, c.axis)
	}
	loss := s.LogSumExpAxis(logits, c.axis, false)
	if c.smoothing == 0 {
		return c.reduce(s, s.Subtract(loss, score))
	}
	loss = s.Subtract(loss, s.Multiply(num(s, 1-c.smoothing, score), score))
	mean := s.MeanAxis(logits, c.axis, false)
	return c.reduce(s, s.Subtract(loss, s.Multiply(mean, num(s, c.smoothing, mean))))
}

func (c *config) checkTargets(s *mlx.Scope, logits, targets mlx.Array, probs bool) {
	want, have := s.Shape(logits), s.Shape(targets)
	axis := c.axis
	if axis < 0 {
		axis += len(want)
	}
	if s.Err() != nil {
		return
	}
	if axis < 0 || axis >= len(want) {
		c.fail(s, "axis %d is out of range for logits %v", c.axis, want)
		return
	}
	if !probs {
		want = slices.Delete(slices.Clone(want), axis, axis+1)
	}
	if !slices.Equal(want, have) {
		c.fail(s, "targets %v do not fit logits %v", have, s.Shape(logits))
	}
}

// pick takes the element at index, along axis.
func pick(s *mlx.Scope, x, index mlx.Array, axis int) mlx.Array {
	return s.SqueezeAxis(s.TakeAlongAxis(x, s.ExpandDims(index, axis), axis), axis)
}

// BinaryCrossEntropy compares logits with targets between 0 and 1 of the same
// shape. Options: Weights, Probabilities; the reduction is Mean.
func BinaryCrossEntropy(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "binary_cross_entropy", reduction: Mean}.with(s, opts, "Weights", "Probabilities")
	c.same(s, inputs, targets)
	if !c.probs {
		return c.reduce(s, s.Subtract(s.LogAddExp(num(s, 0, inputs), inputs), s.Multiply(inputs, targets)))
	}
	one := num(s, 1, inputs)
	yes := s.Multiply(targets, logClipped(s, inputs))
	no := s.Multiply(s.Subtract(one, targets), logClipped(s, s.Subtract(one, inputs)))
	return c.reduce(s, s.Negative(s.Add(yes, no)))
}

// logClipped is the logarithm, at least -100.
func logClipped(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.Maximum(s.Log(x), num(s, -100, x))
}

// NLL is the negative of the log probability, in inputs, of each target index.
// Options: Axis (-1); the reduction is None.
func NLL(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "nll", reduction: None, axis: -1}.with(s, opts, "Axis")
	c.checkTargets(s, inputs, targets, false)
	return c.reduce(s, s.Negative(pick(s, inputs, targets, c.axis)))
}

// KLDiv is the Kullback-Leibler divergence of inputs from targets, both log
// probabilities. Options: Axis (-1); the reduction is None.
func KLDiv(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "kl_div", reduction: None, axis: -1}.with(s, opts, "Axis")
	return c.reduce(s, s.SumAxis(s.Multiply(s.Exp(targets), s.Subtract(targets, inputs)), c.axis, false))
}
