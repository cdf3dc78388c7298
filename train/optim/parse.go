package optim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Parse makes an optimizer of mlx-lm's names: "adam", "adamw", "adafactor", "muon",
// "sgd", and "lion", with the settings of its optimizer_config, which are those of
// mlx.optimizers ("betas", "weight_decay"). Unknown ones are errors, and so are
// values that MLX refuses.
func Parse(name string, settings map[string]any) (Optimizer, error) {
	make, ok := optimizers[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("optim: optimizer %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(optimizers)), ", "))
	}
	r := &reader{in: settings, used: map[string]bool{}}
	o := make(r)
	err := r.done()
	if c, ok := o.(checker); ok && err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, fmt.Errorf("optim: %s: %w", strings.ToLower(name), err)
	}
	return o, nil
}

var optimizers = map[string]func(r *reader) Optimizer{
	"sgd": func(r *reader) Optimizer {
		o := NewSGD()
		r.number("momentum", &o.Momentum, atLeast0)
		r.number("dampening", &o.Dampening, finite)
		r.number("weight_decay", &o.WeightDecay, finite)
		r.flag("nesterov", &o.Nesterov)
		return o
	},
	"adam": func(r *reader) Optimizer {
		o := NewAdam()
		o.read(r)
		return o
	},
	"adamw": func(r *reader) Optimizer {
		o := NewAdamW()
		o.read(r)
		r.number("weight_decay", &o.WeightDecay, finite)
		return o
	},
	"lion": func(r *reader) Optimizer {
		o := NewLion()
		r.numbers("betas", &o.Betas, below1)
		r.number("weight_decay", &o.WeightDecay, finite)
		return o
	},
	"adafactor": func(r *reader) Optimizer {
		o := NewAdafactor()
		r.numbers("eps", &o.Eps, atLeast0)
		r.number("clip_threshold", &o.ClipThreshold, above0)
		r.number("decay_rate", &o.DecayRate, finite)
		r.number("beta_1", &o.Beta1, below1)
		r.number("weight_decay", &o.WeightDecay, finite)
		r.flag("scale_parameter", &o.ScaleParameter)
		r.flag("relative_step", &o.RelativeStep)
		r.flag("warmup_init", &o.WarmupInit)
		return o
	},
	"muon": func(r *reader) Optimizer {
		o := NewMuon()
		r.number("momentum", &o.Momentum, below1)
		r.number("weight_decay", &o.WeightDecay, finite)
		r.flag("nesterov", &o.Nesterov)
		steps := float64(o.Steps)
		r.number("ns_steps", &steps, count)
		o.Steps = int(steps)
		return o
	},
}

func (o *Adam) read(r *reader) {
	r.numbers("betas", &o.Betas, below1)
	r.number("eps", &o.Eps, atLeast0)
	r.flag("bias_correction", &o.BiasCorrection)
}

// ParseSchedule makes a schedule of mlx-lm's lr_schedule: a name of mlx.optimizers,
// its arguments, of which the first is the learning rate, and a warm-up.
//
//	name: cosine_decay
//	warmup: 100
//	warmup_init: 1e-7
//	arguments: [1e-5, 1000, 1e-7]
func ParseSchedule(block map[string]any) (Schedule, error) {
	r := &reader{in: block, used: map[string]bool{}}
	name, _ := block["name"].(string)
	r.used["name"] = true
	kind, ok := schedules[name]
	if !ok {
		return nil, fmt.Errorf("optim: lr_schedule: name %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(schedules)), ", "))
	}
	var warmup, start float64
	r.number("warmup", &warmup, count)
	r.number("warmup_init", &start, atLeast0)
	arguments := r.list("arguments", kind.least, kind.most)
	var s Schedule
	if len(r.faults) == 0 {
		var err error
		if s, err = kind.make(arguments); err != nil {
			r.fault("arguments", err.Error())
		}
	}
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("optim: lr_schedule: %w", err)
	}
	return Warmup(start, int(warmup), s), nil
}

type scheduleKind struct {
	least, most int // arguments
	make        func(a []float64) (Schedule, error)
}

var schedules = map[string]scheduleKind{
	"exponential_decay": {2, 2, func(a []float64) (Schedule, error) { return Exponential(a[0], a[1]), nil }},
	"step_decay": {3, 3, func(a []float64) (Schedule, error) {
		n, err := steps("step_size", a[2])
		return Step(a[0], a[1], n), err
	}},
	"cosine_decay": {2, 3, func(a []float64) (Schedule, error) {
		n, err := steps("decay_steps", a[1])
		return Cosine(a[0], n, append(a, 0)[2]), err
	}},
	"linear_schedule": {3, 3, func(a []float64) (Schedule, error) {
		n, err := steps("steps", a[2])
		return Linear(a[0], a[1], n), err
	}},
}

func steps(name string, v float64) (int, error) {
	if v < 1 || !count(v) {
		return 0, fmt.Errorf("%s is %v, want a whole number of at least 1", name, v)
	}
	return int(v), nil
}

// count is a whole number of steps.
func count(v float64) bool { return v >= 0 && v <= math.MaxInt32 && v == math.Trunc(v) }

// reader takes settings out of what JSON or YAML made of a file.
type reader struct {
	in     map[string]any
	used   map[string]bool
	faults []error
}

func (r *reader) fault(name, what string) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", name, what))
}

// done says what was wrong, and what nobody asked for.
func (r *reader) done() error {
	for _, name := range slices.Sorted(maps.Keys(r.in)) {
		if !r.used[name] {
			r.fault(name, "is not a setting; there are "+strings.Join(slices.Sorted(maps.Keys(r.used)), ", "))
		}
	}
	return errors.Join(r.faults...)
}

// value is a setting, nil where it is not there.
func (r *reader) value(name string) any {
	r.used[name] = true
	return r.in[name]
}

func (r *reader) number(name string, to *float64, ok func(float64) bool) {
	if v := r.value(name); v != nil {
		f, number := asNumber(v)
		if !number || !ok(f) {
			r.fault(name, fmt.Sprintf("%v is not a number that it may be", v))
			return
		}
		*to = f
	}
}

func (r *reader) flag(name string, to *bool) {
	if v := r.value(name); v != nil {
		b, ok := v.(bool)
		if !ok {
			r.fault(name, fmt.Sprintf("%v is neither true nor false", v))
		}
		*to = b
	}
}

func (r *reader) numbers(name string, to *[2]float64, ok func(float64) bool) {
	if r.value(name) == nil {
		return
	}
	list := r.list(name, 2, 2)
	if len(list) != 2 {
		return
	}
	if !ok(list[0]) || !ok(list[1]) {
		r.fault(name, fmt.Sprintf("%v are not numbers that they may be", list))
		return
	}
	*to = [2]float64(list)
}

// list is a list of so many numbers.
func (r *reader) list(name string, least, most int) []float64 {
	all, ok := r.value(name).([]any)
	if !ok || len(all) < least || len(all) > most {
		want := fmt.Sprint(least)
		if most > least {
			want = fmt.Sprintf("%d to %d", least, most)
		}
		r.fault(name, fmt.Sprintf("%v is not a list of %s numbers", r.in[name], want))
		return nil
	}
	out := make([]float64, len(all))
	for i, v := range all {
		var number bool
		if out[i], number = asNumber(v); !number || !finite(out[i]) {
			r.fault(name, fmt.Sprintf("%v is not a number", v))
		}
	}
	return out
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	}
	return 0, false
}
