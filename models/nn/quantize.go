package nn

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// quantisations are mlx.nn's defaults for each mode.
var quantisations = map[string]Quantisation{
	"affine": {GroupSize: 64, Bits: 4, Mode: "affine"},
	"mxfp4":  {GroupSize: 32, Bits: 4, Mode: "mxfp4"},
	"mxfp8":  {GroupSize: 32, Bits: 8, Mode: "mxfp8"},
	"nvfp4":  {GroupSize: 16, Bits: 4, Mode: "nvfp4"},
}

// Defaults fills in what is zero, as mlx.nn.quantize does. An unknown mode is an
// error.
func (q Quantisation) Defaults() (Quantisation, error) {
	q.Mode = orDefault(q.Mode, "affine")
	def, ok := quantisations[q.Mode]
	if !ok {
		return q, fmt.Errorf("nn: quantisation mode %q is none of affine, mxfp4, mxfp8 and nvfp4", q.Mode)
	}
	q.GroupSize, q.Bits = orDefault(q.GroupSize, def.GroupSize), orDefault(q.Bits, def.Bits)
	return q, nil
}

// Check refuses what MLX has no kernels for.
func (q Quantisation) Check() error {
	def, ok := quantisations[q.Mode]
	ok = ok && q == def
	if q.Mode == "affine" {
		ok = slices.Contains([]int{2, 3, 4, 5, 6, 8}, q.Bits) && slices.Contains([]int{32, 64, 128}, q.GroupSize)
	}
	if !ok {
		return fmt.Errorf("nn: %d bits in groups of %d are not among MLX's for mode %q", q.Bits, q.GroupSize, q.Mode)
	}
	return nil
}

// quantisable is a layer with matrices that can be packed.
type quantisable interface {
	// matrices lists them with the names of their layers.
	matrices(names []string) []named
}

type named struct {
	name string
	*matrix
	rows *Param // the same weight another way round, of an Embedding
}

func (l *Linear) matrices(names []string) []named { return []named{{names[0], &l.w, nil}} }

func (e *Embedding) matrices(names []string) []named { return []named{{names[0], &e.w, &e.rows}} }

func (f *Fused) matrices(names []string) []named {
	if f.parts == nil {
		return []named{{names[0], &f.joined, nil}}
	}
	var out []named
	for i := range f.parts {
		out = append(out, named{names[i], &f.parts[i].w, nil})
	}
	return out
}

// Quantize packs the weights of every layer of model that has some, experts
// included, for which choose returns true; a nil choose takes all. Zero fields of
// q are those of mlx.nn.quantize, and so are the values. The new arrays belong to
// owner. Packed weights are frozen. When Quantize fails the model is as it was.
func Quantize(t *mlx.Thread, model any, q Quantisation, owner *mlx.Owner, choose func(layer string) bool) error {
	q, err := q.Defaults()
	if err != nil {
		return err
	}
	var list []named
	_ = walk(model, func(_ string, names []string, l layer) error {
		if m, ok := l.(quantisable); ok {
			for _, n := range m.matrices(names) {
				if !n.weight.Array().IsNull() && n.packed.Bits == 0 && (choose == nil || choose(n.name)) {
					list = append(list, n)
				}
			}
		}
		return nil
	})
	parts := make([]int, len(list)) // arrays of each
	made, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		var made []mlx.Array
		for i, n := range list {
			p := n.quantise(s, n.name, q)
			parts[i] = len(p)
			made = append(made, p...)
		}
		return made
	})
	if err != nil {
		return fmt.Errorf("nn: quantize: %w", err)
	}
	if err := t.Eval(made...); err != nil {
		closeAll(made)
		return fmt.Errorf("nn: quantize: %w", err)
	}
	for i, n := range list {
		n.pack(owner, q, made[:parts[i]])
		made = made[parts[i]:]
	}
	return nil
}

// quantise makes words, scales and, where the mode has them, biases.
func (m *matrix) quantise(s *mlx.Scope, name string, q Quantisation) []mlx.Array {
	w := m.weight.Array()
	switch {
	case m.transposed:
		w = s.SwapAxes(w, -2, -1)
	case m.narrow:
		w = s.AsType(w, m.dtype)
	}
	if in := s.Dim(w, -1); s.Err() == nil && in%q.GroupSize != 0 {
		s.Fail(fmt.Errorf("%s: groups of %d do not divide a row of %d", name, q.GroupSize, in))
	}
	return s.Quantize(w, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode, mlx.Array{})
}

// pack takes over what quantise made.
func (n named) pack(owner *mlx.Owner, q Quantisation, parts []mlx.Array) {
	for i, p := range []*Param{&n.weight, &n.scales, &n.biases}[:len(parts)] {
		p.keep(owner, parts[i])
	}
	n.packed, n.layout, n.transposed, n.narrow = q, Layout{}, false, false
	n.scales.frozen, n.biases.frozen = true, true
	if n.rows != nil {
		n.rows.drop()
	}
}
