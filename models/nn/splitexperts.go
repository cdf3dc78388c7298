package nn

import (
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// SplitExperts shows experts that Hugging Face stores together, experts.gate_up_proj
// [E, 2*I, D] and experts.down_proj [E, D, I], as the layers of a SwitchGLU at
// switch_mlp.
func SplitExperts(w Weights) Weights {
	const gateUp, down = ".experts.gate_up_proj", ".experts.down_proj"
	out := &derived{Weights: w, made: map[string]Tensor{}}
	for _, name := range w.Names() {
		t := w.Tensor(name)
		if base, ok := strings.CutSuffix(name, gateUp); ok && len(t.Shape()) == 3 {
			out.add(base+".switch_mlp.gate_proj.weight", half(t, 0))
			out.add(base+".switch_mlp.up_proj.weight", half(t, 1))
		} else if base, ok := strings.CutSuffix(name, down); ok {
			out.add(base+".switch_mlp.down_proj.weight", t)
		} else {
			out.names = append(out.names, name)
		}
	}
	slices.Sort(out.names)
	return out
}

// half is the first or the second half of the rows of t [E, 2*I, D].
func half(t Tensor, which int) Tensor {
	shape := slices.Clone(t.Shape())
	shape[1] /= 2
	return Derived(t, shape, func(s *mlx.Scope, a mlx.Array) mlx.Array {
		from := which * shape[1]
		return s.Slice(a, []int{0, from, 0}, []int{shape[0], from + shape[1], shape[2]}, []int{1, 1, 1})
	})
}
