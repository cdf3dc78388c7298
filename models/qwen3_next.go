package models

// Qwen3-Next: gated delta nets (Yang et al., 2024,
// https://arxiv.org/abs/2412.06464) and gated attention over experts. Reference:
// mlx_lm/models/qwen3_next.py.

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Qwen3NextConfig is config.json of model_type "qwen3_next".
type Qwen3NextConfig struct {
	qwenDeltaConfig
	qwenSparseConfig
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen3NextConfig) normalize() error {
	if err := c.qwenSparseConfig.normalize(); err != nil {
		return err
	}
	if err := c.qwenDeltaConfig.normalize(); err != nil {
		return err
	}
	for i := range c.NumHiddenLayers {
		if !c.sparse(i) {
			return checkSizes(sizes{{"intermediate_size", c.IntermediateSize}})
		}
	}
	return nil
}

type qwen3NextDeltaNet struct {
	In    nn.Fused         `weight:"in_proj_qkvz,in_proj_ba"` // a head of keys with its heads of values after the other
	Delta nn.GatedDeltaNet `weight:""`
	Out   nn.Linear        `weight:"out_proj"`

	heads        int // of keys
	dim          int // of a key
	shared, size int // heads of values to a head of keys, and their features together
}

func newQwen3NextDeltaNet(c *qwenDeltaConfig) qwenDeltaNet {
	keys, values := c.LinearNumKeyHeads*c.LinearKeyHeadDim, c.LinearNumValueHeads*c.LinearValueHeadDim
	return &qwen3NextDeltaNet{
		In:    nn.Fused{In: c.HiddenSize, Outs: []int{2*keys + 2*values, 2 * c.LinearNumValueHeads}, NoBias: true},
		Delta: c.deltaNet(),
		Out:   nn.Linear{In: values, Out: c.HiddenSize, NoBias: true},
		heads: c.LinearNumKeyHeads, dim: c.LinearKeyHeadDim,
		shared: c.LinearNumValueHeads / c.LinearNumKeyHeads, size: values / c.LinearNumKeyHeads,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (n *qwen3NextDeltaNet) Forward(s *mlx.Scope, x mlx.Array, m nn.Memory) mlx.Array {
	qkvz, ba := nn.Two(n.In.Forward(s, x))                               // [B, L, 2*Hk*Dk+2*Hv*Dv], [B, L, 2*Hv]
	in := nn.SplitGroups(s, qkvz, n.heads, n.dim, n.dim, n.size, n.size) // [B, L, Hk*Dk] twice, [B, L, Hv*Dv] twice
	b, a := nn.Two(nn.SplitGroups(s, ba, n.heads, n.shared, n.shared))   // [B, L, Hv] each
	if s.Err() != nil {
		return x
	}
	qkv := s.ConcatenateAxis(in[:3], -1)                                                           // [B, L, 2*Hk*Dk+Hv*Dv]
	return n.Out.Forward(s, n.Delta.Forward(s, nn.DeltaInputs{QKV: qkv, Z: in[3], B: b, A: a}, m)) // [B, L, D]
}

func newQwen3Next(c *Qwen3NextConfig) architecture {
	d := &c.qwenDeltaConfig
	m := newQwenDelta(d, func() qwenDeltaNet { return newQwen3NextDeltaNet(d) }, func(layer int) nn.Unary {
		if c.sparse(layer) {
			return newQwenDeltaExperts(&c.qwenSparseConfig, c.HiddenSize)
		}
		return newGatedMLP(c.HiddenSize, c.IntermediateSize, false, (*nn.Fused).SwiGLU)
	})
	m.gather = func(w nn.Weights) nn.Weights { return nn.StackExperts(w, c.NumExperts) }
	return m
}
