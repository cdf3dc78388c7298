package nn

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GatedDeltaNet is a layer of linear attention between its projections: a
// convolution, the gated delta rule and a gated norm. Yang et al., 2024,
// https://arxiv.org/abs/2412.06464. Projections in and out are the model's, for
// checkpoints lay them out differently.
type GatedDeltaNet struct {
	Conv1d CausalConv1d `weight:"conv1d"`
	DtBias Param        `weight:"dt_bias"`
	ALog   Param        `weight:"A_log"`
	Norm   RMSNormGated `weight:"norm"`

	keyHeads, keyDim, valueHeads, valueDim int
}

// The arrays that a GatedDeltaNet remembers.
const (
	convState  = iota // [B, Kernel-1, 2*Hk*Dk+Hv*Dv], the last inputs of the convolution
	deltaState        // [B, Hv, Dv, Dk], in float32
)

// GatedDeltaStates is how many arrays a GatedDeltaNet remembers.
const GatedDeltaStates = 2

// NewGatedDeltaNet makes a layer of that many heads of those sizes.
func NewGatedDeltaNet(keyHeads, keyDim, valueHeads, valueDim, kernel int, eps float32) GatedDeltaNet {
	return GatedDeltaNet{
		Conv1d:   CausalConv1d{Dims: 2*keyHeads*keyDim + valueHeads*valueDim, Kernel: kernel, NoBias: true},
		DtBias:   Param{Shape: []int{valueHeads}, Init: initializer.Ones()},
		ALog:     Param{Shape: []int{valueHeads}, Init: initializer.Uniform(0, math.Log(16)), Float32: true},
		Norm:     RMSNormGated{Dims: valueDim, Eps: eps},
		keyHeads: keyHeads, keyDim: keyDim, valueHeads: valueHeads, valueDim: valueDim,
	}
}

// DeltaInputs are projections of tokens [B, L], or of one token a row [B].
type DeltaInputs struct {
	QKV  mlx.Array // [B, L, 2*Hk*Dk+Hv*Dv]
	Z    mlx.Array // [B, L, Hv*Dv], the gate of the norm
	B, A mlx.Array // [B, L, Hv]: the strength of a write, and of forgetting
}

// Forward maps projections to [B, L, Hv*Dv], or [B, Hv*Dv].
func (n *GatedDeltaNet) Forward(s *mlx.Scope, in DeltaInputs, m Memory) mlx.Array {
	shape := s.Shape(in.QKV)
	if !wantDims(s, "GatedDeltaNet", shape, 2, 3) {
		return mlx.Array{}
	}
	batch, length, out := shape[0], 1, append(shape[:len(shape)-1:len(shape)-1], -1)
	if len(shape) == 3 {
		length = shape[1]
	}
	rows := func(x mlx.Array) mlx.Array { return s.Reshape(x, batch, length, -1) }
	mask := m.Mask(s, length)
	qkv, last := n.Conv1d.Forward(s, masked(s, mask, rows(in.QKV)), m.Get(convState))
	q, k, v := n.split(s, SiLU(s, qkv), batch, length)
	rule := DeltaRule{
		Q: q, K: k, V: v,
		Decay: masked(s, mask, n.decay(s, rows(in.A))),
		Beta:  masked(s, mask, s.Sigmoid(rows(in.B))),
	}
	y, state := rule.Forward(s, m.Get(deltaState))
	m.Set(s, convState, last)
	m.Set(s, deltaState, state)
	m.Advance(s, length)
	z := s.Reshape(in.Z, batch, length, n.valueHeads, n.valueDim)
	return s.Reshape(n.Norm.Forward(s, y, z), out...)
}

// split makes heads of x [B, L, 2*Hk*Dk+Hv*Dv]: queries and keys of length 1, but
// for a scale of the queries, and values. As mlx_lm.models.gated_delta.normalize_qk.
func (n *GatedDeltaNet) split(s *mlx.Scope, x mlx.Array, batch, length int) (q, k, v mlx.Array) {
	dims := n.keyHeads * n.keyDim
	q, k, v = Three(s.SplitSections(x, []int{dims, 2 * dims}, -1))
	scale := 1 / math.Sqrt(float64(n.keyDim))
	unit := func(x mlx.Array, scaleBy float64) mlx.Array {
		x = s.Reshape(x, batch, length, n.keyHeads, n.keyDim)
		return s.RMSNorm(x, vectorOf(s, vector{scaleBy, n.keyDim, s.DtypeOf(x)}), float32(1e-6*scale*scale))
	}
	return unit(q, scale*scale), unit(k, scale), s.Reshape(v, batch, length, n.valueHeads, n.valueDim)
}

// vector is the key of a number repeated.
type vector struct {
	value float64
	dims  int
	dtype mlx.Dtype
}

// vectorOf is a vector of equal numbers, made once in a Build.
func vectorOf(s *mlx.Scope, v vector) mlx.Array {
	made := s.Once(v, func() []mlx.Array {
		return []mlx.Array{s.Full([]int{v.dims}, s.Scalar(v.value, v.dtype), v.dtype)}
	})
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}

// decay is the logarithm of what is kept, -exp(A_log) softplus(a + dt_bias), in
// float32.
func (n *GatedDeltaNet) decay(s *mlx.Scope, a mlx.Array) mlx.Array {
	rate := s.Exp(s.AsType(n.ALog.Array(), mlx.Float32))
	return s.Negative(s.Multiply(rate, Softplus(s, s.Add(a, n.DtBias.Array()))))
}
