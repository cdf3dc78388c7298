package nn

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Tree lists parameters by their names in a checkpoint, in the order of the
// model's fields: what mlx.utils.tree_flatten makes of model.parameters().
type Tree []Leaf

// Leaf is a parameter and its name.
type Leaf struct {
	Name string
	*Param

	buffer bool
}

// Parameters lists every parameter of model, a pointer to a struct. Weights that
// are kept in a form for inference only (Policy) are listed with a null value,
// and cannot be assigned, differentiated or saved.
func Parameters(model any) Tree {
	var t Tree
	_ = walk(model, func(_ string, names []string, l layer) error {
		for _, sp := range l.params(names) {
			if sp.inference || !sp.param.Array().IsNull() {
				t = append(t, Leaf{sp.name, sp.param, sp.buffer})
			}
		}
		return nil
	})
	return t
}

// Trainable lists the parameters of model that training changes: all but those
// that were frozen, running statistics and packed weights.
func Trainable(model any) Tree {
	return Parameters(model).filter(func(l Leaf) bool { return !l.Frozen() })
}

// Freeze takes the parameters of the layers of those names out of Trainable:
// "model.embed_tokens" is that layer, or everything beneath it. Without names it
// is all of them.
func Freeze(model any, names ...string) { setFrozen(model, true, names) }

// Unfreeze undoes Freeze, and makes the scales and biases of packed weights
// trainable too. Packed weights themselves and running statistics never are.
func Unfreeze(model any, names ...string) { setFrozen(model, false, names) }

func setFrozen(model any, frozen bool, names []string) {
	for _, l := range Parameters(model).Under(names...) {
		l.frozen = frozen
	}
}

// Freeze takes the parameters out of Trainable.
func (t Tree) Freeze() {
	for _, l := range t {
		l.frozen = true
	}
}

// Frozen reports whether training leaves the parameter alone.
func (l Leaf) Frozen() bool { return l.buffer || l.frozen }

// Assign makes v the value when the Build succeeds, and frees the old one. It
// has the old one's shape.
func (l Leaf) Assign(s *mlx.Scope, v mlx.Array) {
	if !l.ready(s) {
		return
	}
	if have, want := s.Shape(v), s.Shape(l.Array()); s.Err() == nil && !slices.Equal(have, want) {
		s.Fail(fmt.Errorf("nn: assign %s: shape %v, want %v", l.Name, have, want))
		return
	}
	s.Assign(l.slot, v)
}

// ready fails the Build where there is no value that may change.
func (l Leaf) ready(s *mlx.Scope) bool {
	if s.Err() == nil && l.Array().IsNull() {
		s.Fail(errInference(l.Name))
	}
	return s.Err() == nil
}

func errInference(name string) error {
	return fmt.Errorf("nn: %s has no value to train or save: its owner was closed, or it was loaded without Policy.Trainable", name)
}

// All ranges over names and values.
func (t Tree) All() iter.Seq2[string, mlx.Array] {
	return func(yield func(string, mlx.Array) bool) {
		for _, l := range t {
			if !yield(l.Name, l.Array()) {
				return
			}
		}
	}
}

// Names lists the names.
func (t Tree) Names() []string {
	names := make([]string, len(t))
	for i, l := range t {
		names[i] = l.Name
	}
	return names
}

// Arrays lists the values.
func (t Tree) Arrays() []mlx.Array {
	arrays := make([]mlx.Array, len(t))
	for i, l := range t {
		arrays[i] = l.Array()
	}
	return arrays
}

// Slots lists the places that hold the values, for the state of a compiled step:
// mlx.WithState(params.Slots()...). It is nil for a weight without a value.
func (t Tree) Slots() []*mlx.Array {
	slots := make([]*mlx.Array, len(t))
	for i, l := range t {
		slots[i] = l.slot
	}
	return slots
}

// Find returns the parameter of that name.
func (t Tree) Find(name string) (Leaf, bool) {
	i := slices.IndexFunc(t, func(l Leaf) bool { return l.Name == name })
	if i < 0 {
		return Leaf{}, false
	}
	return t[i], true
}

// Under keeps the parameters of the layers of those names, or beneath them; all
// where there are no names.
func (t Tree) Under(names ...string) Tree {
	if len(names) == 0 {
		return t
	}
	return t.filter(func(l Leaf) bool {
		return slices.ContainsFunc(names, func(n string) bool { return l.Name == n || strings.HasPrefix(l.Name, n+".") })
	})
}

func (t Tree) filter(keep func(Leaf) bool) Tree {
	var out Tree
	for _, l := range t {
		if keep(l) {
			out = append(out, l)
		}
	}
	return out
}

// Update assigns a value to each parameter: nothing changes unless the Build
// succeeds.
func (t Tree) Update(s *mlx.Scope, values []mlx.Array) {
	if s.Err() == nil && len(values) != len(t) {
		s.Fail(fmt.Errorf("nn: update: %d values for %d parameters", len(values), len(t)))
	}
	for i, l := range t {
		if s.Err() != nil {
			return
		}
		l.Assign(s, values[i])
	}
}

// With runs fn with the parameters standing for values, one for each, and puts
// their own back; weights without a value stay so. It is the way to make a pure
// function of a model, for Checkpoint.
func (t Tree) With(values []mlx.Array, fn func()) {
	old := t.Arrays()
	defer t.set(old)
	t.set(values)
	fn()
}

func (t Tree) set(values []mlx.Array) {
	for i, slot := range t.Slots() {
		if slot != nil {
			*slot = values[i]
		}
	}
}
