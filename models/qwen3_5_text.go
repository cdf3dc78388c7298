package models

// Qwen3.5: gated delta nets (Yang et al., 2024, https://arxiv.org/abs/2412.06464)
// with projections of their own, gated attention, dense MLPs. Reference:
// mlx_lm/models/qwen3_5.py.

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Qwen3_5TextConfig is config.json of model_type "qwen3_5_text", and text_config of
// "qwen3_5".
type Qwen3_5TextConfig struct{ qwenDeltaConfig }

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen3_5TextConfig) normalize() error {
	if err := checkSizes(sizes{{"intermediate_size", c.IntermediateSize}}); err != nil {
		return err
	}
	return c.qwenDeltaConfig.normalize()
}

type qwen3_5DeltaNet struct {
	In    nn.Fused         `weight:"in_proj_qkv,in_proj_z,in_proj_b,in_proj_a"`
	Delta nn.GatedDeltaNet `weight:""`
	Out   nn.Linear        `weight:"out_proj"`
}

func newQwen3_5DeltaNet(c *qwenDeltaConfig) qwenDeltaNet {
	keys, values := c.LinearNumKeyHeads*c.LinearKeyHeadDim, c.LinearNumValueHeads*c.LinearValueHeadDim
	heads := c.LinearNumValueHeads
	return &qwen3_5DeltaNet{
		In:    nn.Fused{In: c.HiddenSize, Outs: []int{2*keys + values, values, heads, heads}, NoBias: true},
		Delta: c.deltaNet(),
		Out:   nn.Linear{In: values, Out: c.HiddenSize, NoBias: true},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (n *qwen3_5DeltaNet) Forward(s *mlx.Scope, x mlx.Array, m nn.Memory) mlx.Array {
	in := n.In.Forward(s, x) // [B, L, 2*Hk*Dk+Hv*Dv], [B, L, Hv*Dv], [B, L, Hv], [B, L, Hv]
	if len(in) != 4 {
		return x // an error went before
	}
	y := n.Delta.Forward(s, nn.DeltaInputs{QKV: in[0], Z: in[1], B: in[2], A: in[3]}, m) // [B, L, Hv*Dv]
	return n.Out.Forward(s, y)
}

func newQwen3_5Text(c *Qwen3_5TextConfig) architecture {
	return newQwenDelta(&c.qwenDeltaConfig,
		func() qwenDeltaNet { return newQwen3_5DeltaNet(&c.qwenDeltaConfig) },
		func(int) nn.Unary { return newGatedMLP(c.HiddenSize, c.IntermediateSize, false, (*nn.Fused).SwiGLU) })
}
