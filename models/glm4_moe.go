package models

// GLM-4.5: GLM-4.5 team, 2025, https://arxiv.org/abs/2508.06471. Reference:
// mlx_lm/models/glm4_moe.py. The attention is Llama's with norms of queries and
// keys where the configuration has them, and a part of each head turned; the
// experts are DeepSeek-V3's.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Glm4MoeConfig is config.json of model_type "glm4_moe".
type Glm4MoeConfig struct {
	ropeConfig
	decoderConfig
	expertConfig
	UseQKNorm         bool `json:"use_qk_norm"`
	AttentionBias     bool `json:"attention_bias"` // of queries, keys and values
	TieWordEmbeddings bool `json:"tie_word_embeddings"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Glm4MoeConfig) normalize() error {
	c.fillHeads()
	c.PartialRotaryFactor = orElse(c.PartialRotaryFactor, 0.5)
	if err := c.check(); err != nil {
		return err
	}
	if err := c.expertConfig.normalize("noaux_tc"); err != nil {
		return err
	}
	rope := c.rope("", c.HeadDim, 10000)
	return rope.Validate()
}

type glm4MoeAttention struct {
	QKV   nn.Fused    `weight:"q_proj,k_proj,v_proj"`
	QNorm *nn.RMSNorm `weight:"q_norm"` // nil for none
	KNorm *nn.RMSNorm `weight:"k_norm"`
	OProj nn.Linear   `weight:"o_proj"`
	Rope  nn.RoPE     `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newGlm4MoeAttention(c *Glm4MoeConfig) *glm4MoeAttention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	a := &glm4MoeAttention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: true},
		Rope:  c.rope("", c.HeadDim, 10000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
	if c.UseQKNorm {
		a.QNorm = &nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps}
		a.KNorm = &nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps}
	}
	return a
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *glm4MoeAttention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	if a.QNorm != nil {
		qkv = qkv.Norm(s, a.QNorm, a.KNorm)
	}
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newGlm4Moe(c *Glm4MoeConfig) architecture {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	m.stored = func(w nn.Weights) nn.Weights { return c.ownLayers(w, c.NumHiddenLayers) }
	for i := range c.NumHiddenLayers {
		mlp := newFeedForward(i, c.HiddenSize, c.IntermediateSize, &c.expertConfig)
		m.add(newBlock(c.HiddenSize, c.RMSNormEps, newGlm4MoeAttention(c), mlp), cache.Full())
	}
	return m
}
