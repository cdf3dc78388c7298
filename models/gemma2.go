package models

// Gemma 2: Gemma Team, 2024, https://arxiv.org/abs/2408.00118. Reference:
// mlx_lm/models/gemma2.py; for the window of every second layer, which it does not
// have, transformers' modeling_gemma2.py.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Gemma2Config is config.json of model_type "gemma2".
type Gemma2Config struct{ gemmaConfig }

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Gemma2Config) normalize() error {
	c.AttnLogitSoftcapping.orElse(50)
	c.FinalLogitSoftcapping.orElse(30)
	if err := c.gemmaConfig.normalize(256000, 2); err != nil {
		return err
	}
	rope := c.rope("", c.HeadDim, 10000)
	return rope.Validate()
}

type gemma2Attention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Rope  nn.RoPE   `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newGemma2Attention(c *Gemma2Config) *gemma2Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &gemma2Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		Rope:  c.rope("", c.HeadDim, 10000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: c.attention(),
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *gemma2Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newGemma2(c *Gemma2Config) architecture {
	attention := func(string) attentionLayer { return newGemma2Attention(c) }
	return newGemma(&c.gemmaConfig, attention, math.Sqrt(float64(c.HiddenSize)))
}
