package nn

import (
	"slices"
	"strconv"
	"strings"
)

// StackExperts shows the weights of single experts, "mlp.experts.7.up_proj.weight",
// as one for all, "mlp.switch_mlp.up_proj.weight" [E, out, in]: they are stacked
// when they are read. Numbers that are none of the E experts' stay as they are.
func StackExperts(w Weights, experts int) Weights { return StackExpertsAs(w, experts, nil) }

// StackExpertsAs is StackExperts where the checkpoint calls projections otherwise:
// names maps "w1" to "gate_proj".
func StackExpertsAs(w Weights, experts int, names map[string]string) Weights {
	st := &stacks{w: w, experts: experts, members: map[string]map[int]string{}}
	for _, stored := range w.Names() {
		name, i, ok := expertOf(stored, names)
		if !ok || i >= experts {
			st.names = append(st.names, stored)
			continue
		}
		if st.members[name] == nil {
			st.names = append(st.names, name)
			st.members[name] = map[int]string{}
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
func expertOf(stored string, names map[string]string) (name string, i int, ok bool) {
	before, after, ok := strings.Cut(stored, singleExperts)
	number, rest, dot := strings.Cut(after, ".")
	i, err := strconv.Atoi(number)
	if !ok || !dot || err != nil || i < 0 || strconv.Itoa(i) != number {
		return "", 0, false
	}
	projection, part, _ := strings.Cut(rest, ".")
	if as, found := names[projection]; found {
		rest = as + "." + part
	}
	return before + stackedExperts + rest, i, true
}

// sibling is the stored name of another expert's part.
func sibling(stored string, i int) string {
	before, after, _ := strings.Cut(stored, singleExperts)
	_, rest, _ := strings.Cut(after, ".")
	return before + singleExperts + strconv.Itoa(i) + "." + rest
}

type stacks struct {
	w       Weights
	experts int
	names   []string
	members map[string]map[int]string // stored names by expert
}

// Names implements Weights.
func (st *stacks) Names() []string { return st.names }

// Tensor implements Weights.
func (st *stacks) Tensor(name string) Tensor {
	stored, ok := st.members[name]
	if !ok {
		return st.w.Tensor(name)
	}
	var some string
	for _, some = range stored {
		break
	}
	t := stackedTensor{name: name}
	for i := range st.experts {
		if n, ok := stored[i]; ok {
			t.parts = append(t.parts, st.w.Tensor(n))
		} else {
			t.gaps = append(t.gaps, sibling(some, i))
		}
	}
	return t.form()
}
