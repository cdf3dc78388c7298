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
		f.loras[i], read = l.planAdapter(n, &LoRA{experts: f.joined.experts, in: f.joined.in, out: outs[i]}, f.rows(i))
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
		out[i] = addBias(s, r.add(s, x, out[i], f.rows(i)), biases[i])
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

// rows gives a part's weight [out, in].
func (f *Fused) rows(i int) func(s *mlx.Scope) mlx.Array {
	return func(s *mlx.Scope) mlx.Array {
		if f.parts != nil {
			return f.parts[i].w.dense(s)
		}
		parts := s.SplitSections(f.joined.dense(s), f.ends, 0)
		if s.Err() != nil {
			return mlx.Array{}
		}
		return parts[i]
	}
}
