package nn

import (
	"slices"
	"strconv"
	"strings"
)

// StackExperts shows the weights of single experts, "mlp.experts.7.up_proj.weight",
// as one for all, "mlp.switch_mlp.up_proj.weight" [E, out, in]: they are stacked
// when they are read. Numbers that are none of the E experts' stay as they are.
// Checkpoints that call the projections otherwise are to be renamed first.
func StackExperts(w Weights, experts int) Weights {
	st := &stacks{w: w, members: map[string][]string{}}
	for _, stored := range w.Names() {
		name, i, ok := expertOf(stored)
		if !ok || i >= experts {
			st.names = append(st.names, stored)
			continue
		}
		if st.members[name] == nil {
			st.names = append(st.names, name)
			st.members[name] = make([]string, experts)
		}
		st.members[name][i] = stored
	}
	slices.Sort(st.names)
	return st
}

const (
	singleExperts  = ".experts."
	stackedExperts = ".switch_mlp."
)

// expertOf tells the stack that a tensor belongs to, and its place there.
func expertOf(stored string) (name string, i int, ok bool) {
	before, after, ok := strings.Cut(stored, singleExperts)
	number, rest, dot := strings.Cut(after, ".")
	i, err := strconv.Atoi(number)
	if !ok || !dot || err != nil || i < 0 {
		return "", 0, false
	}
	return before + stackedExperts + rest, i, true
}

// singleName is the name of an expert's part of a stack.
func singleName(name string, i int) string {
	return strings.Replace(name, stackedExperts, singleExperts+strconv.Itoa(i)+".", 1)
}

type stacks struct {
	w       Weights
	names   []string
	members map[string][]string // "" for those that are missing
}

// Names implements Weights.
func (st *stacks) Names() []string { return st.names }

// Tensor implements Weights.
func (st *stacks) Tensor(name string) Tensor {
	stored, ok := st.members[name]
	if !ok {
		return st.w.Tensor(name)
	}
	t := stackedTensor{name: name}
	for i, n := range stored {
		if n == "" {
			t.gaps = append(t.gaps, singleName(name, i))
			continue
		}
		t.parts = append(t.parts, st.w.Tensor(n))
	}
	return t.form()
}
