package optim

import (
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// State is an optimizer at work on parameters: what it keeps for each, and how many
// steps it has done. An Owner holds it.
type State struct {
	optimizers []Optimizer // of each parameter
	params     nn.Tree
	step       *mlx.Array   // scalar, uint64
	kept       []*mlx.Array // of each parameter in turn
	names      []string     // of those
	counts     []int        // how many each parameter has
}

// NewState makes the state before the first step. Names are those of
// mlx.optimizers: "step", and "model.layers.0.mlp.up_proj.weight.m". An optimizer whose
// numbers MLX refuses is an error that names them as MLX does.
func NewState(t *mlx.Thread, o Optimizer, params nn.Tree, owner *mlx.Owner) (*State, error) {
	if c, ok := o.(checker); ok {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("optim: %T: %w", o, err)
		}
	}
	st := &State{params: params}
	all, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		all := []mlx.Array{s.Zeros(nil, mlx.Uint64)}
		for _, p := range params {
			o := chosen(o, p.Name, s.Shape(p.Array()))
			if o == nil {
				s.Fail(fmt.Errorf("optim: no optimizer for %s", p.Name))
				return nil
			}
			names := o.State(s.Shape(p.Array()))
			made := o.Init(s, p.Array())
			if s.Err() == nil && len(made) != len(names) {
				s.Fail(fmt.Errorf("optim: %T keeps %d arrays for %s and names %d", o, len(made), p.Name, len(names)))
			}
			for _, n := range names {
				st.names = append(st.names, p.Name+"."+n)
			}
			st.counts, st.optimizers = append(st.counts, len(names)), append(st.optimizers, o)
			all = append(all, made...)
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	if err := t.Eval(all...); err != nil {
		return nil, errors.Join(err, mlx.CloseAll(all...))
	}
	st.step = owner.Slot(all[0])
	for _, a := range all[1:] {
		st.kept = append(st.kept, owner.Slot(a))
	}
	return st, nil
}

// chosen is the optimizer of a parameter.
func chosen(o Optimizer, name string, shape []int) Optimizer {
	if c, ok := o.(Chooser); ok {
		return c.For(name, shape)
	}
	return o
}

// Slots are the places of its arrays, for mlx.WithState.
func (st *State) Slots() []*mlx.Array { return append([]*mlx.Array{st.step}, st.kept...) }

// Update assigns what the parameters become by their gradients, one for each, at a
// learning rate, a scalar of float32, and the optimizer's new state: all of it, or
// nothing where the Build fails.
func (st *State) Update(s *mlx.Scope, grads []mlx.Array, rate mlx.Array) {
	if s.Err() == nil && len(grads) != len(st.params) {
		s.Fail(fmt.Errorf("optim: %d gradients for %d parameters", len(grads), len(st.params)))
	}
	at := At{Step: s.Add(*st.step, s.Scalar(1, mlx.Uint64)), Rate: rate}
	kept := st.kept
	for i, p := range st.params {
		if s.Err() != nil {
			return
		}
		var own []*mlx.Array
		own, kept = kept[:st.counts[i]], kept[st.counts[i]:]
		old := make([]mlx.Array, len(own))
		for j, slot := range own {
			old[j] = *slot
		}
		value, next := st.optimizers[i].Update(s, p.Array(), grads[i], old, at)
		if s.Err() == nil && len(next) != len(own) {
			s.Fail(fmt.Errorf("optim: %T returns %d arrays for %s, want %d", st.optimizers[i], len(next), p.Name, len(own)))
			return
		}
		p.Assign(s, value)
		for j, slot := range own {
			if s.Err() == nil && next[j] != old[j] {
				s.Assign(slot, next[j])
			}
		}
	}
	s.Assign(st.step, at.Step)
}

// Arrays lists the state by name, to be saved. They stay the State's.
func (st *State) Arrays() map[string]mlx.Array {
	out := map[string]mlx.Array{"step": *st.step}
	for i, n := range st.names {
		out[n] = *st.kept[i]
	}
	return out
}

// Load reads what Arrays had from a safetensors file: the same names, shapes and
// types, or nothing is changed.
func (st *State) Load(t *mlx.Thread, path string) (err error) {
	arrays, _, err := mlx.LoadSafetensors(t, path)
	if err != nil {
		return err
	}
	defer func() {
		for _, a := range arrays {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := st.fits(path, arrays); err != nil {
		return err
	}
	if _, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for name, slot := range st.slots() {
			s.Assign(slot, s.Own(arrays[name], nil))
			delete(arrays, name) // the Scope's now
		}
		return nil
	}); err != nil {
		return err
	}
	var all []mlx.Array
	for _, slot := range st.Slots() {
		all = append(all, *slot)
	}
	return t.Eval(all...)
}

// slots are the places by name.
func (st *State) slots() map[string]*mlx.Array {
	out := map[string]*mlx.Array{"step": st.step}
	for i, n := range st.names {
		out[n] = st.kept[i]
	}
	return out
}

// fits says what of the arrays of a file is not as the state has it.
func (st *State) fits(path string, arrays map[string]mlx.Array) error {
	var faults []error
	slots := st.slots()
	for name, slot := range slots {
		a, ok := arrays[name]
		if !ok {
			faults = append(faults, fmt.Errorf("optim: %s: %s is missing", path, name))
			continue
		}
		if have, want := shapeAndType(a), shapeAndType(*slot); have != want {
			faults = append(faults, fmt.Errorf("optim: %s: %s is %s, want %s", path, name, have, want))
		}
	}
	for name := range arrays {
		if _, ok := slots[name]; !ok {
			faults = append(faults, fmt.Errorf("optim: %s: %s is no part of the state", path, name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
	return errors.Join(faults...)
}

func shapeAndType(a mlx.Array) string {
	shape, err := a.Shape()
	dtype, derr := a.Dtype()
	return fmt.Sprint(shape, " ", dtype, errorText(errors.Join(err, derr)))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}
