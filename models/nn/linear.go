package nn

import (
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Linear is y = x W^T + b. Load wants the bias of a layer whose Out is given; with
// NoBias it takes one where the checkpoint has it.
type Linear struct {
	In, Out int  // 0 takes what the checkpoint has
	NoBias  bool // Init makes none

	w    matrix
	bias Param // [out]; may be null
	lora *LoRA // may be nil
}

// Forward maps x [..., in] to [..., out].
func (l *Linear) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return addBias(s, l.lora.add(s, x, l.w.mul(s, x)), l.bias.Array())
}

// Shape returns [out, in].
func (l *Linear) Shape() (out, in int) { return l.w.out, l.w.in }

func (l *Linear) plan(ld *loader, names []string) func() error {
	weight := l.w.plan(ld, names, l.In, []int{l.Out})
	bias := planBias(ld, &l.bias, names, &l.w, []int{l.w.out}, l.NoBias || l.Out == 0)
	var adapter func() error
	l.lora, adapter = ld.planAdapter(names[0], l.blank())
	return inOrder(weight, bias, adapter)
}

func (l *Linear) params(names []string) []spec {
	uniform := initializer.UniformFan(l.In)
	bias := spec{name: join(names[0], "bias"), param: &l.bias, shape: l.w.perExpert(l.Out), init: uniform, optional: true}
	switch {
	case l.NoBias:
		bias.init = nil
	case l.w.experts > 0:
		bias.init = initializer.Zeros() // as mlx_lm's SwitchLinear
	}
	return append(append(l.w.params(names[0], l.In, l.Out, uniform), bias), l.lora.params(names[0])...)
}

func (l *Linear) begin([]string) {
	if l.w.packed.Bits == 0 && !l.w.forInference() {
		l.w.in, l.w.out = l.In, l.Out
	}
}

// Fused is several linear layers of the same input, run as one product where
// their weights can be joined: q, k and v, or gate and up.
type Fused struct {
	In     int   // of every layer; 0 takes what the checkpoint has
	Outs   []int // of each layer; nil takes what the checkpoint has
	NoBias bool  // Init makes none

	joined matrix
	ends   []int // where each part's outputs end, the last one left out
	bias   Param
	absent []Param  // stand for the parts, to be frozen
	loras  []*LoRA  // of each part; nil where no part has one
	parts  []Linear // instead of all that, where the weights are stored differently or trained
}

// Forward maps x [..., in] to one [..., out] for each layer.
func (f *Fused) Forward(s *mlx.Scope, x mlx.Array) []mlx.Array {
	if f.isAdapted() {
		return f.adapted(s, x)
	}
	return f.each(s, func(w *matrix, bias mlx.Array) mlx.Array { return addBias(s, w.mul(s, x), bias) })
}

// each is what product makes of every layer's weight and bias, or of the joined
// ones.
func (f *Fused) each(s *mlx.Scope, product func(w *matrix, bias mlx.Array) mlx.Array) []mlx.Array {
	if f.parts == nil {
		return s.SplitSections(product(&f.joined, f.bias.Array()), f.ends, -1)
	}
	out := make([]mlx.Array, len(f.parts))
	for i := range f.parts {
		out[i] = product(&f.parts[i].w, f.parts[i].bias.Array())
	}
	return out
}

func (f *Fused) plan(l *loader, names []string) func() error {
	outs, same := f.inspect(l, names)
	if outs == nil {
		return nil // noted
	}
	if !same || l.policy.Trainable {
		return f.planParts(l, names)
	}
	f.parts, f.ends, f.absent = nil, nil, make([]Param, len(names))
	end := 0
	for _, out := range outs[:len(outs)-1] {
		end += out
		f.ends = append(f.ends, end)
	}
	return f.withAdapters(l, names, outs, f.joined.plan(l, names, f.In, outs), planBias(l, &f.bias, names, &f.joined, outs, f.NoBias || f.Outs == nil))
}

// params are those of the parts; once joined there are none to be had.
func (f *Fused) params(names []string) []spec {
	var out []spec
	for i, n := range names {
		switch {
		case f.parts != nil:
			out = append(out, f.parts[i].params([]string{n})...)
		case f.joined.out > 0:
			out = append(out, spec{name: join(n, "weight"), param: &f.absent[i], inference: true})
			if !f.bias.Array().IsNull() {
				out = append(out, spec{name: join(n, "bias"), param: &f.absent[i], inference: true})
			}
			if f.loras != nil {
				out = append(out, f.loras[i].params(n)...)
			}
		}
	}
	return out
}

// begin makes parts of the layers' sizes.
func (f *Fused) begin(names []string) {
	if f.joined.out > 0 || f.parts != nil {
		return
	}
	f.parts = make([]Linear, len(names))
	for i := range f.parts {
		f.parts[i] = Linear{In: f.In, NoBias: f.NoBias, w: matrix{experts: f.joined.experts}}
		if i < len(f.Outs) {
			f.parts[i].Out = f.Outs[i]
		}
		f.parts[i].begin(nil)
	}
}

// inspect reads the parts' sizes and whether they are stored alike.
func (f *Fused) inspect(l *loader, names []string) (outs []int, same bool) {
	var kinds []Quantisation
	for i, n := range names {
		l.used[n+".bias"] = true // asked for, even if a part's fault ends it here
		out := 0
		if f.Outs != nil {
			out = f.Outs[i]
		}
		t := l.find(n+".weight", f.joined.perExpert(out, f.In)...)
		if t == nil {
			continue // noted
		}
		var kind Quantisation
		if q, packed := t.(Quantised); packed && !l.policy.Unpack {
			kind = q.Quantisation()
		}
		kinds = append(kinds, kind)
		out, _ = rowsColumns(t)
		outs = append(outs, out)
	}
	if len(outs) != len(names) {
		return nil, false
	}
	return outs, len(slices.Compact(kinds)) == 1
}

func (f *Fused) planParts(l *loader, names []string) func() error {
	if len(f.parts) != len(names) {
		f.parts = make([]Linear, len(names))
	}
	reads := make([]func() error, len(names))
	for i, n := range names {
		f.parts[i].w.experts = f.joined.experts
		f.parts[i].In, f.parts[i].NoBias = f.In, f.NoBias || f.Outs == nil
		if f.Outs != nil {
			f.parts[i].Out = f.Outs[i]
		}
		reads[i] = f.parts[i].plan(l, []string{n})
	}
	return inOrder(reads...)
}

// planBias finds the biases of layers of weight w, which become one vector. Some
// layers of a fused group may have none: theirs is zero.
func planBias(l *loader, to *Param, names []string, w *matrix, outs []int, optional bool) func() error {
	tensors := make([]Tensor, len(names))
	found := false
	for i, n := range names {
		tensors[i] = l.findOptional(join(n, "bias"), w.perExpert(outs[i])...)
		found = found || tensors[i] != nil
	}
	if !found {
		if !optional {
			for i, n := range names {
				l.find(join(n, "bias"), w.perExpert(outs[i])...) // notes that it is missing
			}
		}
		return nil
	}
	return func() error { return loadBias(l, to, tensors, func(i int) []int { return w.perExpert(outs[i]) }) }
}

// loadBias reads biases as one; shape is that of one that is not there.
func loadBias(l *loader, to *Param, tensors []Tensor, shape func(i int) []int) error {
	parts := make([]mlx.Array, len(tensors))
	defer func() { closeAll(parts) }()
	for i, t := range tensors {
		if t == nil {
			continue
		}
		var err error
		if parts[i], err = t.Dense(l.t, l.policy.Dtype); err != nil {
			return err
		}
	}
	return l.set(to, func(s *mlx.Scope) mlx.Array {
		list := append([]mlx.Array(nil), parts...)
		for i := range list {
			if list[i].IsNull() {
				list[i] = s.Zeros(shape(i), l.policy.Dtype)
			}
		}
		return stack(s, list, -1)
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
