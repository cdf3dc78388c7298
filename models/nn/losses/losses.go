// Package losses holds the functions that training makes small, as
// mlx.nn.losses has them:
//
//	loss := losses.CrossEntropy(s, logits, targets, losses.Mean, losses.LabelSmoothing(0.1))
//
// Options have the names and the defaults of the Python arguments. An option
// that a loss does not have is an error of the Build, and so are shapes that do
// not fit each other.
package losses

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Option changes how a loss is computed. A [Reduction] is one.
type Option interface{ set(c *config) }

// Reduction says what becomes of the losses of a batch.
type Reduction string

const (
	// None keeps them.
	None Reduction = "none"
	// Mean averages them.
	Mean Reduction = "mean"
	// Sum adds them up.
	Sum Reduction = "sum"
)

func (r Reduction) set(c *config) { c.reduction = r }

// option is one that only some losses have.
type option struct {
	name  string
	apply func(c *config)
}

func (o option) set(c *config) {
	c.given = append(c.given, o.name)
	o.apply(c)
}

// Weights multiplies each loss, before the reduction. It has the losses' shape.
func Weights(w mlx.Array) Option { return option{"Weights", func(c *config) { c.weights = w }} }

// Axis is the axis of the classes, the distribution or the vector.
func Axis(axis int) Option { return option{"Axis", func(c *config) { c.axis = axis }} }

// LabelSmoothing spreads the part f, in [0, 1), of each target evenly over the
// classes. Szegedy et al., 2015, https://arxiv.org/abs/1512.00567.
func LabelSmoothing(f float64) Option {
	return option{"LabelSmoothing", func(c *config) { c.smoothing = f }}
}

// Probabilities says that the inputs of BinaryCrossEntropy are probabilities
// and not logits: with_logits=False.
func Probabilities() Option { return option{"Probabilities", func(c *config) { c.probs = true }} }

// Beta is where SmoothL1 turns from a square to a line; the default is 1.
func Beta(b float64) Option { return option{"Beta", func(c *config) { c.beta = b }} }

// Delta is where Huber turns from a square to a line; the default is 1.
func Delta(d float64) Option { return option{"Delta", func(c *config) { c.delta = d }} }

// Margin is how far apart a loss wants its inputs to be.
func Margin(m float64) Option { return option{"Margin", func(c *config) { c.margin = m }} }

// P is the degree of Triplet's norm; the default is 2.
func P(p float64) Option { return option{"P", func(c *config) { c.p = p }} }

// Eps is the small number that keeps a loss away from dividing by zero.
func Eps(e float64) Option { return option{"Eps", func(c *config) { c.eps = e }} }

// Full includes the constant term of GaussianNLL.
func Full() Option { return option{"Full", func(c *config) { c.full = true }} }

// config is what the options of one call say.
type config struct {
	name      string
	reduction Reduction
	axis      int
	weights   mlx.Array
	smoothing float64
	probs     bool
	full      bool

	beta, delta, margin, p, eps float64

	given []string
}

// with applies options to the defaults; a loss takes those of names.
func (c config) with(s *mlx.Scope, opts []Option, names ...string) config {
	for _, o := range opts {
		o.set(&c)
	}
	for _, g := range c.given {
		if !slices.Contains(names, g) {
			c.fail(s, "there is no option %s", g)
		}
	}
	return c
}

func (c *config) fail(s *mlx.Scope, format string, args ...any) {
	s.Fail(fmt.Errorf("losses: %s: %s", c.name, fmt.Sprintf(format, args...)))
}

// same wants arrays of one shape.
func (c *config) same(s *mlx.Scope, a, b mlx.Array) {
	if x, y := s.Shape(a), s.Shape(b); !slices.Equal(x, y) {
		c.fail(s, "shapes %v and %v differ", x, y)
	}
}

// reduce weighs the losses and reduces them.
func (c *config) reduce(s *mlx.Scope, loss mlx.Array) mlx.Array {
	if !c.weights.IsNull() {
		c.same(s, c.weights, loss)
		loss = s.Multiply(loss, c.weights)
	}
	switch c.reduction {
	case None:
		return loss
	case Mean:
		return s.Mean(loss, false)
	case Sum:
		return s.Sum(loss, false)
	}
	c.fail(s, "reduction %q is none of none, mean and sum", string(c.reduction))
	return mlx.Array{}
}

// num is a number of x's dtype.
func num(s *mlx.Scope, v float64, x mlx.Array) mlx.Array { return s.Scalar(v, s.DtypeOf(x)) }
