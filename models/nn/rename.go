package nn

import "slices"

// Rename shows a checkpoint under other names: what name returns for each tensor,
// which is left out where keep is false. It is what sanitize does in mlx-lm.
func Rename(w Weights, name func(stored string) (name string, keep bool)) Weights {
	r := &renamed{w: w, stored: map[string]string{}}
	for _, stored := range w.Names() {
		if n, keep := name(stored); keep {
			r.stored[n] = stored
			r.names = append(r.names, n)
		}
	}
	slices.Sort(r.names)
	return r
}

type renamed struct {
	w      Weights
	names  []string
	stored map[string]string
}

// Names implements Weights.
func (r *renamed) Names() []string { return r.names }

// Tensor implements Weights.
func (r *renamed) Tensor(name string) Tensor {
	stored, ok := r.stored[name]
	if !ok {
		return nil
	}
	return r.w.Tensor(stored)
}
