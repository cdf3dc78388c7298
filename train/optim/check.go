package optim

import (
	"errors"
	"fmt"
	"math"
)

// checker is an optimizer that knows which numbers make no sense.
type checker interface{ check() error }

// What a number may be.
func finite(v float64) bool   { return !math.IsNaN(v) && !math.IsInf(v, 0) }
func atLeast0(v float64) bool { return v >= 0 && finite(v) }
func above0(v float64) bool   { return v > 0 && finite(v) }
func below1(v float64) bool   { return v >= 0 && v < 1 }

// must is an error about a number that is not as it may be.
func must(ok func(float64) bool, name string, v ...float64) error {
	for _, v := range v {
		if !ok(v) {
			return fmt.Errorf("%s: %v is not a number that it may be", name, v)
		}
	}
	return nil
}

func (o SGD) check() error {
	if o.Nesterov && (o.Momentum <= 0 || o.Dampening != 0) {
		return errors.New("nesterov: needs a momentum and no dampening")
	}
	return errors.Join(must(atLeast0, "momentum", o.Momentum), must(finite, "dampening", o.Dampening),
		must(finite, "weight_decay", o.WeightDecay))
}

func (o Adam) check() error {
	return errors.Join(must(below1, "betas", o.Betas[:]...), must(atLeast0, "eps", o.Eps))
}

func (o AdamW) check() error {
	return errors.Join(o.Adam.check(), must(finite, "weight_decay", o.WeightDecay))
}

func (o Lion) check() error {
	return errors.Join(must(below1, "betas", o.Betas[:]...), must(finite, "weight_decay", o.WeightDecay))
}

func (o Adafactor) check() error {
	return errors.Join(must(atLeast0, "eps", o.Eps[:]...), must(above0, "clip_threshold", o.ClipThreshold),
		must(finite, "decay_rate", o.DecayRate), must(below1, "beta_1", o.Beta1), must(finite, "weight_decay", o.WeightDecay))
}

// maxIterations is more than any use: each is three products in the graph.
const maxIterations = 1000

func (o Muon) check() error {
	few := func(v float64) bool { return v >= 0 && v <= maxIterations }
	return errors.Join(must(below1, "momentum", o.Momentum), must(finite, "weight_decay", o.WeightDecay),
		must(few, "ns_steps", float64(o.Steps)))
}

func (o Matrices) check() error {
	var errs []error
	for _, part := range []Optimizer{o.Matrix, o.Other} {
		if part == nil {
			errs = append(errs, errors.New("one of the optimizers is nil"))
		}
		if c, ok := part.(checker); ok {
			errs = append(errs, c.check())
		}
	}
	return errors.Join(errs...)
}
