package models

// Qwen3: Qwen Team, 2025, https://arxiv.org/abs/2505.09388. Reference:
// mlx_lm/models/qwen3.py; for use_sliding_window, which it leaves alone,
// transformers' configuration_qwen3.py. A Llama whose queries and keys are
// normalised, each head by itself.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Qwen3Config is config.json of model_type "qwen3": the fields are those of Qwen2.
type Qwen3Config struct{ Qwen2Config }

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen3Config) normalize() error {
	c.HeadDim = orElse(c.HeadDim, 128)
	return c.normalizeWindows(10000)
}

type qwen3Attention struct {
	QKV   nn.Fused   `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear  `weight:"o_proj"`
	QNorm nn.RMSNorm `weight:"q_norm"`
	KNorm nn.RMSNorm `weight:"k_norm"`
	Rope  nn.RoPE    `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newQwen3Attention(c *LlamaConfig, layerType string) *qwen3Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &qwen3Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		QNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps},
		KNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps},
		Rope:  c.rope(layerType, c.HeadDim, 10000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *qwen3Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Norm(s, &a.QNorm, &a.KNorm)
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newQwen3(c *Qwen3Config) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newQwen3Attention(&c.LlamaConfig, t), newLlamaMLP(&c.LlamaConfig)))
	}
	return m
}
