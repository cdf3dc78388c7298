package models

// Phi-3: Abdin et al., 2024, https://arxiv.org/abs/2404.14219, and Phi-4. Reference:
// mlx_lm/models/phi3.py; for sliding_window, which it leaves alone, transformers'
// modeling_phi3.py. A Llama whose checkpoints have joined what others keep apart,
// and part of whose features may not turn.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Phi3Config is config.json of model_type "phi3".
type Phi3Config struct{ LlamaConfig }

// normalize fills in the defaults and refuses what cannot be a model. The first
// files called their scaling su, and some yarn.
func (c *Phi3Config) normalize() error {
	c.MaxPositionEmbeddings = orElse(c.MaxPositionEmbeddings, 4096)
	c.OriginalMaxPositionEmbeddings = orElse(c.OriginalMaxPositionEmbeddings, 4096)
	if c.RopeScaling.Kind() == "yarn" {
		c.RopeScaling.Type = "longrope"
	}
	c.slideAll()
	return c.LlamaConfig.normalize()
}

type phi3Attention struct {
	QKVProj nn.Linear `weight:"qkv_proj"`
	OProj   nn.Linear `weight:"o_proj"`
	Rope    nn.RoPE   `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newPhi3Attention(c *LlamaConfig, layerType string) *phi3Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &phi3Attention{
		QKVProj: nn.Linear{In: d, Out: q + 2*kv, NoBias: true},
		OProj:   nn.Linear{In: q, Out: d, NoBias: true},
		Rope:    c.rope(layerType, c.HeadDim, 10000),
		heads:   c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *phi3Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := nn.JoinedQKV(s, a.QKVProj.Forward(s, x), a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newPhi3(c *Phi3Config) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newPhi3Attention(&c.LlamaConfig, t), newJoinedMLP(c.HiddenSize, c.IntermediateSize)))
	}
	return m
}
