package nn

import (
	"errors"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Mixtures of experts: Shazeer et al., 2017, https://arxiv.org/abs/1701.06538.
// Reference: mlx_lm/models/switch_layers.py.

// SwitchLinear is y = x W[e]^T + b[e]: a linear layer for each of several experts,
// in one weight [E, out, in] and bias [E, out]. Load takes a bias where the
// checkpoint has one. See StackExperts for checkpoints of single experts.
type SwitchLinear struct {
	Experts int
	In, Out int  // 0 takes what the checkpoint has
	NoBias  bool // Init makes none

	linear Linear
}

// Forward maps x, laid out by r, from [..., 1, in] to [..., 1, out].
func (l *SwitchLinear) Forward(s *mlx.Scope, x mlx.Array, r Routes) mlx.Array {
	y := l.linear.lora.gather(s, x, l.linear.w.gather(s, x, r), r)
	return addExpertBias(s, y, l.linear.bias.Array(), r)
}

// inner is the layer whose weight has a dimension more.
func (l *SwitchLinear) inner() *Linear {
	l.linear.In, l.linear.Out, l.linear.NoBias, l.linear.w.experts = l.In, l.Out, l.NoBias, l.Experts
	return &l.linear
}

func (l *SwitchLinear) plan(ld *loader, names []string) func() error {
	if l.Experts <= 0 {
		return noExperts(ld, names)
	}
	return l.inner().plan(ld, names)
}

func (l *SwitchLinear) params(names []string) []spec { return l.inner().params(names) }

func (l *SwitchLinear) begin(names []string) { l.inner().begin(names) }

func (l *SwitchLinear) matrices(names []string) []named { return l.linear.matrices(names) }

// SwitchFused is several SwitchLinear of the same input, run as one product where
// their weights can be joined, as Fused is.
type SwitchFused struct {
	Experts int
	In      int   // of every layer; 0 takes what the checkpoint has
	Outs    []int // of each layer; nil takes what the checkpoint has
	NoBias  bool  // Init makes none

	fused Fused
}

// Forward maps x, laid out by r, from [..., 1, in] to one [..., 1, out] for each
// layer.
func (f *SwitchFused) Forward(s *mlx.Scope, x mlx.Array, r Routes) []mlx.Array {
	if !f.fused.isAdapted() {
		return f.fused.each(s, func(w *matrix, bias mlx.Array) mlx.Array {
			return addExpertBias(s, w.gather(s, x, r), bias, r)
		})
	}
	out := f.fused.each(s, func(w *matrix, _ mlx.Array) mlx.Array { return w.gather(s, x, r) })
	biases := f.fused.biases(s)
	if s.Err() != nil {
		return out
	}
	for i, lora := range f.fused.adapters() {
		out[i] = addExpertBias(s, lora.gather(s, x, out[i], r), biases[i], r)
	}
	return out
}

func (f *SwitchFused) inner() *Fused {
	f.fused.In, f.fused.Outs, f.fused.NoBias, f.fused.joined.experts = f.In, f.Outs, f.NoBias, f.Experts
	return &f.fused
}

func (f *SwitchFused) plan(l *loader, names []string) func() error {
	if f.Experts <= 0 {
		return noExperts(l, names)
	}
	return f.inner().plan(l, names)
}

func (f *SwitchFused) params(names []string) []spec { return f.inner().params(names) }

func (f *SwitchFused) begin(names []string) { f.inner().begin(names) }

func (f *SwitchFused) matrices(names []string) []named { return f.fused.matrices(names) }

// noExperts notes that a layer does not say how many it has.
func noExperts(l *loader, names []string) func() error {
	l.faults.unreadable = append(l.faults.unreadable, strings.Join(names, ",")+": the number of experts must be given")
	return nil
}

// gather is mul with the weight of each row's expert.
func (m *matrix) gather(s *mlx.Scope, x mlx.Array, r Routes) mlx.Array {
	if s.Err() == nil && (m.weight.Array().IsNull() || m.packed.Bits != 0 && m.scales.Array().IsNull()) {
		s.Fail(errors.New("nn: a layer of experts has no weights: it was not loaded, or its owner was closed"))
	}
	return m.gatherMul(s, x, r)
}

// addExpertBias adds the bias [E, out] of each row's expert to y; it may be null.
func addExpertBias(s *mlx.Scope, y, bias mlx.Array, r Routes) mlx.Array {
	if bias.IsNull() {
		return y
	}
	return s.Add(y, s.ExpandDims(s.TakeAxis(bias, r.indices, 0), -2)) // [..., 1, out]
}

func (m *matrix) gatherMul(s *mlx.Scope, x mlx.Array, r Routes) mlx.Array {
	w := m.weight.Array()
	switch {
	case m.transposed:
		return gatherMM(s, x, w, r)
	case m.narrow && s.CPUKernels():
		return s.CPUGatherMatmul(x, w, r.indices)
	case m.packed.Bits == 0 || m.fine() && !s.CPUKernels():
		return gatherMM(s, x, s.SwapAxes(m.dense(s), -2, -1), r)
	}
	q := &m.packed
	if s.CPUKernels() {
		return s.CPUGatherQuantizedMatmul(x, w, m.scales.Array(), m.biases.Array(), r.indices, q.GroupSize, q.Bits, q.Mode, m.exact(s))
	}
	return s.GatherQMM(x, w, m.scales.Array(), m.biases.Array(), mlx.Array{}, r.indices, true,
		mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode, r.sorted)
}

// gatherMM is x [..., 1, in] by the w [E, in, out] of each row's expert. MLX's CPU
// kernel has float32 only.
func gatherMM(s *mlx.Scope, x, w mlx.Array, r Routes) mlx.Array {
	dtype := s.DtypeOf(x)
	if s.Device().Type == mlx.CPU && dtype != mlx.Float32 {
		x, w = s.AsType(x, mlx.Float32), s.AsType(w, mlx.Float32)
	}
	return s.AsType(s.GatherMM(x, w, mlx.Array{}, r.indices, r.sorted), dtype)
}
