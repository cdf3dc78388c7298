package nn

import (
	"sync/atomic"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Placer is a Quantised of mode "affine" and of two dimensions that can be read to
// where it belongs, which may be a part of a larger matrix.
type Placer interface {
	Quantised
	// Layout is what can be had of the weight.
	Layout() Layout
	// Place reads rows [lo, hi) into memory of their size. It is called for all rows,
	// for several at once and by other goroutines than Load's.
	Place(to Room, lo, hi int) error
	// Placed is called once, after all rows were read.
	Placed() error
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

// placement is a matrix that is read to where it belongs, so that no weight is
// copied.
type placement struct {
	m       *matrix
	tensors []Placer
	dtype   mlx.Dtype // of scales and biases that are not nested
	left    atomic.Int64
	err     atomic.Pointer[error]
	done    chan struct{}
}

// place plans to read the matrix so, and returns what waits until that is done.
func (l *loader) place(m *matrix, tensors []Placer) (wait func() error) {
	m.packed, m.layout = tensors[0].Quantisation(), l.layout(tensors)
	p := &placement{m: m, tensors: tensors, dtype: m.keeps(l, asTensors(tensors)), done: make(chan struct{})}
	l.placements = append(l.placements, p)
	return func() error {
		<-p.done
		if err := p.err.Load(); err != nil {
			return *err
		}
		return nil
	}
}

func asTensors(placers []Placer) []Tensor {
	tensors := make([]Tensor, len(placers))
	for i, p := range placers {
		tensors[i] = p
	}
	return tensors
}

// like are stand-ins of the shapes and dtypes of what the matrix consists of.
func (p *placement) like(s *mlx.Scope) []mlx.Array {
	m := p.m
	all := []mlx.Array{s.Zeros([]int{m.out, m.in * m.packed.Bits / 32}, mlx.Uint32)}
	for range m.layout.columns() {
		all = append(all, m.layout.zeros(s, m.out, m.in, m.packed.GroupSize, p.dtype))
	}
	return all
}

// makeRooms makes memory for all placements.
func (l *loader) makeRooms() error {
	made, err := l.t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		var all []mlx.Array
		for _, p := range l.placements {
			all = append(all, p.like(s)...)
		}
		return s.CPURooms(all)
	})
	if err != nil {
		return err
	}
	for _, p := range l.placements {
		m := p.m
		m.scales.frozen, m.biases.frozen = true, true
		params := []*Param{&m.weight, &m.scales, &m.biases}[:1+m.layout.columns()]
		for i, param := range params {
			param.keep(l.owner, made[i])
		}
		made = made[len(params):]
	}
	return nil
}

// room is where the matrix lies.
func (p *placement) room(t *mlx.Thread) (to Room, err error) {
	words, err := mlx.Writable[uint32](t, p.m.weight.Array())
	if err != nil {
		return to, err
	}
	switch {
	case p.m.layout.Nested:
		scales, biases, err := twoWritable[uint8](t, p.m)
		return Room{Words: words, NestedScales: scales, NestedBiases: biases}, err
	case p.dtype == mlx.Float16:
		scales, biases, err := twoWritable[uint16](t, p.m)
		return Room{Words: words, HalfScales: scales, HalfBiases: biases}, err
	}
	scales, biases, err := twoWritable[float32](t, p.m)
	return Room{Words: words, Scales: scales, Biases: biases}, err
}

// twoWritable is the memory of the scales, and of the biases if there are any.
func twoWritable[T mlx.Element](t *mlx.Thread, m *matrix) (scales, biases []T, err error) {
	if scales, err = mlx.Writable[T](t, m.scales.Array()); err == nil && !m.layout.Centred {
		biases, err = mlx.Writable[T](t, m.biases.Array())
	}
	return scales, biases, err
}
