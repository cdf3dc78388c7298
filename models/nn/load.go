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
	load(l *loader, names []string) error
}

// loader is one Load on its way.
type loader struct {
	ctx    context.Context
	t      *mlx.Thread
	w      Weights
	policy Policy
	owner  *mlx.Owner
	used   map[string]bool
	faults faults
	done   func(name string)
	quant  Quantisation // of a file's packed weights
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
// arrays belong to owner. The error lists every weight that is missing, every
// one that no field asked for, and every one of a wrong shape. The context is
// looked at before each layer.
func Load(ctx context.Context, t *mlx.Thread, model any, w Weights, policy Policy, owner *mlx.Owner, opts ...LoadOption) error {
	l := &loader{ctx: ctx, t: t, w: w, policy: policy, owner: owner, used: map[string]bool{}, done: func(string) {}}
	for _, o := range opts {
		o(l)
	}
	if err := walk(model, l.visit); err != nil {
		return err
	}
	for _, name := range w.Names() {
		if !l.used[name] {
			l.faults.extra = append(l.faults.extra, name)
		}
	}
	return l.faults.err()
}

// visit loads one layer.
func (l *loader) visit(path string, names []string, ly layer) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	if err := l.fill(names, ly); err != nil {
		return fmt.Errorf("nn: %s: %w", path, err)
	}
	l.done(path)
	return nil
}

func (l *loader) fill(names []string, ly layer) error {
	if p, ok := ly.(preparer); ok {
		if err := p.prepare(workshop{l.t, l.owner, l.policy.Dtype}); err != nil {
			return err
		}
	}
	if own, ok := ly.(selfLoader); ok {
		return own.load(l, names)
	}
	return l.loadParams(ly.params(names))
}

// loadParams reads parameters as the checkpoint has them.
func (l *loader) loadParams(specs []spec) error {
	for _, sp := range specs {
		find := l.tensor
		if sp.optional {
			find = l.optional
		}
		t := find(sp.name)
		if t == nil || !l.check(sp.name, t.Shape(), sp.shape) {
			continue // noted
		}
		a, err := t.Dense(l.t, l.policy.Dtype)
		if err != nil {
			return err
		}
		sp.param.keep(l.owner, a)
	}
	return nil
}

// tensor finds a weight, or notes that it is missing.
func (l *loader) tensor(name string) Tensor {
	t := l.optional(name)
	if t == nil {
		l.faults.missing = append(l.faults.missing, name)
	}
	return t
}

// optional finds a weight that need not be there.
func (l *loader) optional(name string) Tensor {
	l.used[name] = true
	return l.w.Tensor(name)
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
type faults struct{ missing, extra, wrong []string }

// maxListed bounds how many names an error lists of each kind.
const maxListed = 8

func (f *faults) err() error {
	var parts []error
	for _, list := range []struct {
		what  string
		names []string
	}{{"missing", f.missing}, {"not part of the model", f.extra}, {"of the wrong shape", f.wrong}} {
		if len(list.names) == 0 {
			continue
		}
		slices.Sort(list.names)
		more := ""
		if n := len(list.names); n > maxListed {
			list.names, more = list.names[:maxListed], fmt.Sprintf(" and %d more", n-maxListed)
		}
		parts = append(parts, fmt.Errorf("nn: weights %s: %s%s", list.what, strings.Join(list.names, ", "), more))
	}
	return errors.Join(parts...)
}
