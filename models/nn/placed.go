package nn

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Placer is a Quantised of mode "affine" and of two dimensions that can be read to
// where it belongs, which may be a part of a larger matrix.
type Placer interface {
	Quantised
	// Layout is what can be had of the weight.
	Layout() Layout
	// Place reads the weight into memory of its size.
	Place(to Room) error
}

// Room is memory for a packed weight, laid out as Packed is. The scales and biases are
// of float32, the bits of float16 or of two levels; the others are nil, and so are
// biases that a Layout does without.
type Room struct {
	Words                      []uint32
	Scales, Biases             []float32
	HalfScales, HalfBiases     []uint16
	NestedScales, NestedBiases []uint8
}

// rows is the room of rows [lo, hi) of n.
func (r Room) rows(lo, hi, n int) Room {
	return Room{part(r.Words, lo, hi, n), part(r.Scales, lo, hi, n), part(r.Biases, lo, hi, n),
		part(r.HalfScales, lo, hi, n), part(r.HalfBiases, lo, hi, n),
		part(r.NestedScales, lo, hi, n), part(r.NestedBiases, lo, hi, n)}
}

func part[T any](s []T, lo, hi, n int) []T {
	if s == nil {
		return nil
	}
	width := len(s) / n
	return s[lo*width : hi*width : hi*width]
}

// placers are the tensors of a matrix where all can be placed alike on a CPU; nil where
// not.
func (m *matrix) placers(l *loader, tensors []Tensor) (all []Placer) {
	if !l.policy.Kernels || m.experts != 0 {
		return nil
	}
	if dtype := m.keeps(l, tensors); dtype != mlx.Float32 && dtype != mlx.Float16 {
		return nil
	}
	for _, t := range tensors {
		p, ok := t.(Placer)
		if !ok || len(t.Shape()) != 2 || len(all) > 0 && p.Quantisation() != all[0].Quantisation() {
			return nil
		}
		all = append(all, p)
	}
	return all
}

// makeRoom starts to make the matrix, of zeros, with scales and biases of dtype where
// they are not nested.
func (m *matrix) makeRoom(l *loader, tensors []Placer, dtype mlx.Dtype) error {
	m.packed, m.layout = tensors[0].Quantisation(), l.layout(tensors)
	made, err := l.t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		made := []mlx.Array{s.Zeros([]int{m.out, m.in * m.packed.Bits / 32}, mlx.Uint32)}
		for range m.layout.columns() {
			made = append(made, m.layout.zeros(s, m.out, m.in, m.packed.GroupSize, dtype))
		}
		return made
	})
	if err != nil {
		return err
	}
	m.scales.frozen, m.biases.frozen = true, true
	for i, p := range []*Param{&m.weight, &m.scales, &m.biases}[:len(made)] {
		p.keep(l.owner, made[i])
	}
	return l.t.AsyncEval(made...)
}

// place reads the tensors, each to where it belongs in the matrix: no weight is copied.
func (m *matrix) place(t *mlx.Thread, tensors []Placer) error {
	fill := func(to Room) error {
		at := 0
		for _, tensor := range tensors {
			n := tensor.Shape()[0]
			if err := tensor.Place(to.rows(at, at+n, m.out)); err != nil {
				return err
			}
			at += n
		}
		return nil
	}
	dtype, err := m.scales.Array().Dtype()
	if err != nil {
		return err
	}
	switch dtype {
	case mlx.Uint8:
		return withRoom(t, m, func(w []uint32, s, b []uint8) error { return fill(Room{Words: w, NestedScales: s, NestedBiases: b}) })
	case mlx.Float16:
		return withRoom(t, m, func(w []uint32, s, b []uint16) error { return fill(Room{Words: w, HalfScales: s, HalfBiases: b}) })
	}
	return withRoom(t, m, func(w []uint32, s, b []float32) error { return fill(Room{Words: w, Scales: s, Biases: b}) })
}

// withRoom calls f with the memory of words, scales and biases, if there are any.
func withRoom[T float32 | uint16 | uint8](t *mlx.Thread, m *matrix, f func(words []uint32, scales, biases []T) error) error {
	return mlx.Write(t, m.weight.Array(), func(words []uint32) error {
		return mlx.Write(t, m.scales.Array(), func(scales []T) error {
			if m.layout.Centred {
				return f(words, scales, nil)
			}
			return mlx.Write(t, m.biases.Array(), func(biases []T) error { return f(words, scales, biases) })
		})
	})
}
