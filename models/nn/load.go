package nn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// selfLoader is a layer that chooses the form of its weights. The others hold
// parameters as the checkpoint has them.
type selfLoader interface {
	// plan finds the layer's weights and notes what is wrong with them. What it
	// returns reads them, once nothing is wrong anywhere; nil reads nothing.
	plan(l *loader, names []string) (read func() error)
}

// loader is one Load on its way.
type loader struct {
	ctx        context.Context
	t          *mlx.Thread
	w          Weights
	policy     Policy
	owner      *mlx.Owner
	used       map[string]bool
	faults     faults
	placements []*placement   // which reads wait for
	reads      []func() error // one a layer, in order
	done       func(name string)
	quant      Quantisation // of a file's packed weights

	adapter *Adapter
	low     *loader // of the adapter's weights
}

// LoadOption changes how Load works.
type LoadOption func(*loader)

// WithProgress calls done with the name of each layer that was loaded.
func WithProgress(done func(name string)) LoadOption {
	return func(l *loader) { l.done = done }
}

// WithQuantisation tells LoadFile how weights that come with scales are packed.
func WithQuantisation(q Quantisation) LoadOption { return func(l *loader) { l.quant = q } }

// Load fills the layers of model, a pointer to a struct, from w. Fields are
// tagged with their weight's key, joined with dots along nested structs,
// pointers and slices (`weight:"layers"` makes layers.0, layers.1, ...). The
// arrays belong to owner. Before anything is read every weight is looked up: the
// error lists those that are missing, those that no field asked for, and those of
// a wrong shape or dtype. The context is looked at before each layer.
func Load(ctx context.Context, t *mlx.Thread, model any, w Weights, policy Policy, owner *mlx.Owner, opts ...LoadOption) error {
	l := &loader{ctx: ctx, t: t, w: w, policy: policy, owner: owner, used: map[string]bool{}, done: func(string) {}}
	for _, o := range opts {
		o(l)
	}
	if err := l.planAll(model); err != nil {
		return err
	}
	stop, err := l.startPlacing()
	if err != nil {
		return err
	}
	defer stop()
	return inOrder(l.reads...)()
}

// Check is Load without reading anything: it tells everything that is wrong with
// the weights in one error.
func Check(model any, w Weights, policy Policy, opts ...LoadOption) error {
	l := &loader{w: w, policy: policy, used: map[string]bool{}, done: func(string) {}}
	for _, o := range opts {
		o(l)
	}
	return l.planAll(model)
}

// planAll looks every weight of model up.
func (l *loader) planAll(model any) error {
	if l.adapter != nil {
		l.low = &loader{w: l.adapter.Weights, used: map[string]bool{}}
	}
	_ = walk(model, l.plan)
	return errors.Join(l.finish("weights"), l.low.finish("adapter weights"))
}

// finish tells what is wrong with the weights, called what.
func (l *loader) finish(what string) error {
	if l == nil {
		return nil
	}
	for _, name := range l.w.Names() {
		if !l.used[name] {
			l.faults.extra = append(l.faults.extra, name)
		}
	}
	return l.faults.err(what)
}

// plan looks up the weights of one layer.
func (l *loader) plan(path string, names []string, ly layer) error {
	var read func() error
	if own, ok := ly.(selfLoader); ok {
		read = own.plan(l, names)
	} else {
		read = l.planParams(ly.params(names))
	}
	l.reads = append(l.reads, func() error {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if err := inOrder(l.prepare(ly), read)(); err != nil {
			return fmt.Errorf("nn: %s: %w", path, err)
		}
		l.done(path)
		return nil
	})
	return nil
}

// prepare makes what a layer needs besides its weights.
func (l *loader) prepare(ly layer) func() error {
	p, ok := ly.(preparer)
	if !ok {
		return nil
	}
	return func() error { return p.prepare(workshop{l.t, l.owner, l.policy.Dtype}) }
}

// inOrder runs those that are not nil, up to the first error.
func inOrder(reads ...func() error) func() error {
	return func() error {
		for _, read := range reads {
			if read == nil {
				continue
			}
			if err := read(); err != nil {
				return err
			}
		}
		return nil
	}
}

// planParams finds parameters that are kept as the checkpoint has them.
func (l *loader) planParams(specs []spec) func() error {
	var reads []func() error
	for _, sp := range specs {
		find := l.find
		if sp.optional {
			find = l.findOptional
		}
		t := find(sp.name, sp.shape...)
		if t == nil {
			continue // noted
		}
		reads = append(reads, func() error {
			a, err := t.Dense(l.t, sp.dtype(l.policy.Dtype))
			if err == nil {
				sp.param.keep(l.owner, a)
			}
			return err
		})
	}
	return inOrder(reads...)
}

// find finds a weight of a shape, in which 0 matches anything. It is nil when
// there is a fault, which is noted.
func (l *loader) find(name string, shape ...int) Tensor {
	if l.w.Tensor(name) == nil {
		l.used[name] = true
		l.faults.missing = append(l.faults.missing, name)
		return nil
	}
	return l.findOptional(name, shape...)
}

// findOptional is find for a weight that need not be there.
func (l *loader) findOptional(name string, shape ...int) Tensor {
	l.used[name] = true
	t := l.w.Tensor(name)
	if t == nil {
		return nil
	}
	if st, ok := t.(interface{ missing() []string }); ok && len(st.missing()) > 0 {
		l.faults.missing = append(l.faults.missing, st.missing()...)
		return nil
	}
	if f, ok := t.(Fitter); ok && len(shape) > 0 {
		t = f.Fit(shape[len(shape)-1])
	}
	if c, ok := t.(Checker); ok {
		if err := c.Check(); err != nil {
			l.faults.unreadable = append(l.faults.unreadable, err.Error())
			return nil
		}
	}
	if !l.check(name, t.Shape(), shape) {
		return nil
	}
	return t
}

// check notes a wrong shape; 0 in want matches anything.
func (l *loader) check(name string, got, want []int) bool {
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = want[i] == 0 || got[i] == want[i]
	}
	if !ok {
		l.faults.wrong = append(l.faults.wrong, fmt.Sprintf("%s has shape %v, want %v", name, got, want))
	}
	return ok
}

// set builds the value of a parameter from others that are already loaded, and
// evaluates it.
func (l *loader) set(p *Param, fn func(s *mlx.Scope) mlx.Array) error {
	a, err := l.t.Build(fn)
	if err != nil {
		return err
	}
	p.keep(l.owner, a)
	return l.t.Eval(a)
}

// faults collects what is wrong with a checkpoint, to tell all of it at once.
type faults struct{ missing, extra, wrong, unreadable []string }

// maxListed bounds how many names an error lists of each kind.
const maxListed = 8

func (f *faults) err(weights string) error {
	var parts []error
	for _, list := range []struct {
		what  string
		names []string
		sep   string
	}{{"missing", f.missing, ", "}, {"not part of the model", f.extra, ", "}, {"of the wrong shape", f.wrong, ", "}, {"that cannot be read", f.unreadable, "; "}} {
		if len(list.names) == 0 {
			continue
		}
		slices.Sort(list.names)
		list.names = slices.Compact(list.names) // a layer may look twice
		more := ""
		if n := len(list.names); n > maxListed {
			list.names, more = list.names[:maxListed], fmt.Sprintf(" and %d more", n-maxListed)
		}
		parts = append(parts, fmt.Errorf("nn: %s %s: %s%s", weights, list.what, strings.Join(list.names, list.sep), more))
	}
	return errors.Join(parts...)
}
