package nn

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// withAdapters reads the adapters of the joined parts after the rest.
func (f *Fused) withAdapters(l *loader, names []string, outs []int, reads ...func() error) func() error {
	f.loras = make([]*LoRA, len(names))
	for i, n := range names {
		var read func() error
		f.loras[i], read = l.planAdapter(n, f.blank(i, outs[i]))
		reads = append(reads, read)
	}
	return inOrder(reads...)
}

// adapters are those of the parts, nil where one has none.
func (f *Fused) adapters() []*LoRA {
	if f.parts == nil {
		return f.loras
	}
	all := make([]*LoRA, len(f.parts))
	for i := range f.parts {
		all[i] = f.parts[i].lora
	}
	return all
}

func (f *Fused) isAdapted() bool {
	return slices.ContainsFunc(f.adapters(), func(r *LoRA) bool { return r != nil })
}

// adapted adds each part's low-rank product, then its bias.
func (f *Fused) adapted(s *mlx.Scope, x mlx.Array) []mlx.Array {
	out := f.each(s, func(w *matrix, _ mlx.Array) mlx.Array { return w.mul(s, x) })
	biases := f.biases(s)
	if s.Err() != nil {
		return out
	}
	for i, r := range f.adapters() {
		out[i] = addBias(s, r.add(s, x, out[i]), biases[i])
	}
	return out
}

// biases are those of the parts, null where one has none.
func (f *Fused) biases(s *mlx.Scope) []mlx.Array {
	if f.parts == nil {
		if b := f.bias.Array(); !b.IsNull() {
			return s.SplitSections(b, f.ends, -1)
		}
	}
	all := make([]mlx.Array, len(f.ends)+1+len(f.parts))
	for i := range f.parts {
		all[i] = f.parts[i].bias.Array()
	}
	return all
}

// blank is an adapter of part i of the joined layers, without values.
func (f *Fused) blank(i, out int) *LoRA {
	return &LoRA{experts: f.joined.experts, in: f.joined.in, out: out, beside: fusedPart{f, i}}
}

// fusedPart is the weight of a part of the joined layers.
type fusedPart struct {
	of *Fused
	i  int
}

func (p fusedPart) dense(s *mlx.Scope) mlx.Array { return p.cut(s, p.of.joined.dense(s), -2) }

func (p fusedPart) times(s *mlx.Scope, u mlx.Array) mlx.Array {
	return p.cut(s, p.of.joined.times(s, u), -1)
}

func (p fusedPart) cut(s *mlx.Scope, all mlx.Array, axis int) mlx.Array {
	parts := s.SplitSections(all, p.of.ends, axis)
	if s.Err() != nil {
		return mlx.Array{}
	}
	return parts[p.i]
}
