package nn

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Linear is y = x W^T + b. The bias is there when the checkpoint has one.
type Linear struct {
	In, Out int // 0 takes what the checkpoint has

	w    matrix
	bias mlx.Array // [out] or null
}

// Forward maps x [..., in] to [..., out].
func (l *Linear) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return addBias(s, l.w.mul(s, x), l.bias)
}

// Shape returns [out, in].
func (l *Linear) Shape() (out, in int) { return l.w.out, l.w.in }

func (l *Linear) load(ld *loader, names []string) error {
	if err := l.w.load(ld, names, l.In, []int{l.Out}); err != nil {
		return err
	}
	var err error
	l.bias, err = loadBias(ld, names, []int{l.w.out})
	return err
}

// Fused is several linear layers of the same input, run as one product where
// their weights can be joined: q, k and v, or gate and up.
type Fused struct {
	In   int   // of every layer; 0 takes what the checkpoint has
	Outs []int // of each layer; nil takes what the checkpoint has

	joined matrix
	ends   []int // where each part's outputs end, the last one left out
	bias   mlx.Array
	parts  []Linear // instead of all that, where the weights are stored differently
}

// Forward maps x [..., in] to one [..., out] for each layer.
func (f *Fused) Forward(s *mlx.Scope, x mlx.Array) []mlx.Array {
	if f.parts != nil {
		out := make([]mlx.Array, len(f.parts))
		for i := range f.parts {
			out[i] = f.parts[i].Forward(s, x)
		}
		return out
	}
	return s.SplitSections(addBias(s, f.joined.mul(s, x), f.bias), f.ends, -1)
}

func (f *Fused) load(l *loader, names []string) error {
	outs, same := f.inspect(l, names)
	if outs == nil {
		return nil // noted
	}
	if !same {
		return f.loadParts(l, names)
	}
	end := 0
	for _, out := range outs[:len(outs)-1] {
		end += out
		f.ends = append(f.ends, end)
	}
	if err := f.joined.load(l, names, f.In, outs); err != nil {
		return err
	}
	var err error
	f.bias, err = loadBias(l, names, outs)
	return err
}

// inspect reads the parts' sizes and whether they are stored alike.
func (f *Fused) inspect(l *loader, names []string) (outs []int, same bool) {
	var kinds []Quantisation
	for i, n := range names {
		l.used[n+".bias"] = true // asked for, even if a part's fault ends it here
		t, want := l.tensor(n+".weight"), []int{0, f.In}
		if f.Outs != nil {
			want[0] = f.Outs[i]
		}
		if t == nil || !l.check(n+".weight", t.Shape(), want) {
			continue
		}
		var kind Quantisation
		if q, packed := t.(Quantised); packed && !l.policy.Unpack {
			kind = q.Quantisation()
		}
		kinds = append(kinds, kind)
		outs = append(outs, t.Shape()[0])
	}
	if len(outs) != len(names) {
		return nil, false
	}
	return outs, len(slices.Compact(kinds)) == 1
}

func (f *Fused) loadParts(l *loader, names []string) error {
	f.parts = make([]Linear, len(names))
	for i, n := range names {
		if err := f.parts[i].load(l, []string{n}); err != nil {
			return err
		}
	}
	return nil
}

// loadBias reads the biases of layers as one vector. Some layers of a fused
// group may have none: theirs is zero.
func loadBias(l *loader, names []string, outs []int) (mlx.Array, error) {
	tensors := make([]Tensor, len(names))
	found := false
	for i, n := range names {
		tensors[i] = l.optional(n + ".bias")
		if tensors[i] != nil {
			found = true
			if !l.check(n+".bias", tensors[i].Shape(), outs[i:i+1]) {
				return mlx.Array{}, nil // noted
			}
		}
	}
	if !found {
		return mlx.Array{}, nil
	}
	parts := make([]mlx.Array, len(names))
	defer func() { closeAll(parts) }()
	for i, t := range tensors {
		if t == nil {
			continue
		}
		var err error
		if parts[i], err = t.Dense(l.t, l.policy.Dtype); err != nil {
			return mlx.Array{}, err
		}
	}
	return l.make(func(s *mlx.Scope) mlx.Array {
		list := append([]mlx.Array(nil), parts...)
		for i := range list {
			if list[i].IsNull() {
				list[i] = s.Zeros([]int{outs[i]}, l.policy.Dtype)
			}
		}
		return stack(s, list)
	})
}

func addBias(s *mlx.Scope, y, bias mlx.Array) mlx.Array {
	if bias.IsNull() {
		return y
	}
	return s.Add(y, bias)
}

// Two names the parts of a Fused of two; after an error they are null.
func Two(parts []mlx.Array) (a, b mlx.Array) {
	if len(parts) != 2 {
		return mlx.Array{}, mlx.Array{}
	}
	return parts[0], parts[1]
}

// Three names the parts of a Fused of three; after an error they are null.
func Three(parts []mlx.Array) (a, b, c mlx.Array) {
	if len(parts) != 3 {
		return mlx.Array{}, mlx.Array{}, mlx.Array{}
	}
	return parts[0], parts[1], parts[2]
}
