package losses

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Triplet wants anchors nearer to positives than to negatives by Margin (1), in
// the P-norm (2) along Axis (-1). Options: those and Eps (1e-6); the reduction
// is None.
func Triplet(s *mlx.Scope, anchors, positives, negatives mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "triplet", reduction: None, axis: -1, p: 2, margin: 1, eps: 1e-6}.with(s, opts, "Axis", "P", "Margin", "Eps")
	distance := func(x mlx.Array) mlx.Array {
		sum := s.SumAxis(s.Power(s.Abs(s.Subtract(anchors, x)), num(s, c.p, anchors)), c.axis, false)
		return s.Power(s.Add(sum, num(s, c.eps, sum)), num(s, 1/c.p, sum))
	}
	gap := s.Subtract(distance(positives), distance(negatives))
	return c.reduce(s, atLeast0(s, s.Add(gap, num(s, c.margin, gap))))
}

// Hinge is max(1 - inputs*targets, 0) for targets -1 and 1; the reduction is
// None.
func Hinge(s *mlx.Scope, inputs, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "hinge", reduction: None}.with(s, opts)
	return c.reduce(s, atLeast0(s, s.Subtract(num(s, 1, inputs), s.Multiply(inputs, targets))))
}

// MarginRanking wants inputs1 above inputs2 by Margin (0) where targets is 1,
// below where it is -1. The reduction is None.
func MarginRanking(s *mlx.Scope, inputs1, inputs2, targets mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "margin_ranking", reduction: None}.with(s, opts, "Margin")
	c.same(s, inputs1, inputs2)
	c.same(s, inputs1, targets)
	diff := s.Multiply(s.Negative(targets), s.Subtract(inputs1, inputs2))
	return c.reduce(s, atLeast0(s, s.Add(diff, num(s, c.margin, diff))))
}

// CosineSimilarity is the cosine of the angle between x1 and x2 along Axis (1),
// their norms' product counting at least Eps (1e-8). The reduction is None.
func CosineSimilarity(s *mlx.Scope, x1, x2 mlx.Array, opts ...Option) mlx.Array {
	c := config{name: "cosine_similarity", reduction: None, axis: 1, eps: 1e-8}.with(s, opts, "Axis", "Eps")
	axis := []int{c.axis}
	norms := s.Multiply(s.NormL2(x1, axis, false), s.NormL2(x2, axis, false))
	dot := s.SumAxis(s.Multiply(x1, x2), c.axis, false)
	return c.reduce(s, s.Divide(dot, s.Maximum(norms, num(s, c.eps, norms))))
}

func atLeast0(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Maximum(x, num(s, 0, x)) }
