package nn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// layer is a field that Load fills: it takes its weights by name.
type layer interface {
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
}

// LoadOption changes how Load works.
type LoadOption func(*loader)

// WithProgress calls done with the name of each layer that was loaded.
func WithProgress(done func(name string)) LoadOption {
	return func(l *loader) { l.done = done }
}

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
	if err := l.walk(reflect.ValueOf(model), ""); err != nil {
		return err
	}
	for _, name := range w.Names() {
		if !l.used[name] {
			l.faults.extra = append(l.faults.extra, name)
		}
	}
	return l.faults.err()
}

// walk visits a value: a layer loads itself, what contains layers is descended
// into.
func (l *loader) walk(v reflect.Value, prefix string) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return l.walk(v.Elem(), prefix)
	case reflect.Slice:
		for i := range v.Len() {
			if err := l.walk(v.Index(i), fmt.Sprintf("%s%d.", prefix, i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return l.walkStruct(v, prefix)
	}
	return nil
}

func (l *loader) walkStruct(v reflect.Value, prefix string) error {
	for i := range v.NumField() {
		tag, tagged := v.Type().Field(i).Tag.Lookup("weight")
		if !tagged || !v.Field(i).CanSet() {
			continue
		}
		field := v.Field(i)
		if ly := asLayer(field); ly != nil {
			if err := l.ctx.Err(); err != nil {
				return err
			}
			if err := ly.load(l, fullNames(prefix, tag)); err != nil {
				return fmt.Errorf("nn: %s%s: %w", prefix, tag, err)
			}
			l.done(prefix + tag)
			continue
		}
		if tag != "" {
			tag += "."
		}
		if err := l.walk(field, prefix+tag); err != nil {
			return err
		}
	}
	return nil
}

// asLayer is the layer that a field is or points to, or nil.
func asLayer(field reflect.Value) layer {
	if field.Kind() == reflect.Pointer {
		if field.IsNil() {
			return nil
		}
		field = field.Elem()
	}
	ly, _ := field.Addr().Interface().(layer)
	return ly
}

func fullNames(prefix, tag string) []string {
	names := strings.Split(tag, ",")
	for i, n := range names {
		names[i] = prefix + n
	}
	return names
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

// dense reads a weight and keeps it.
func (l *loader) dense(t Tensor) (mlx.Array, error) {
	a, err := t.Dense(l.t, l.policy.Dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	return l.owner.Keep(a), nil
}

// make builds one array from others that are already loaded, evaluates it and
// keeps it.
func (l *loader) make(fn func(s *mlx.Scope) mlx.Array) (mlx.Array, error) {
	a, err := l.t.Build(fn)
	if err != nil {
		return mlx.Array{}, err
	}
	l.owner.Keep(a)
	return a, l.t.Eval(a)
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
