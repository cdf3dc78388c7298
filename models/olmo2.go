package models

// OLMo 2: OLMo team, 2024, https://arxiv.org/abs/2501.00656. Reference:
// mlx_lm/models/olmo2.py. What differs from Llama: norms stand behind attention
// and MLP, and queries and keys are normalised over all their heads.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Olmo2Config is config.json of model_type "olmo2".
type Olmo2Config struct {
	ropeConfig
	decoderConfig
	TieWordEmbeddings bool `json:"tie_word_embeddings"`
	AttentionBias     bool `json:"attention_bias"`
	MLPBias           bool `json:"mlp_bias"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Olmo2Config) normalize() error {
	c.fillHeads()
	if err := c.check(); err != nil {
		return err
	}
	rope := c.layerRope("")
	return rope.Validate()
}

// layerRope turns the heads of layers of a type.
func (c *Olmo2Config) layerRope(layerType string) nn.RoPE {
	return c.rope(layerType, c.HeadDim, 500000)
}

type olmo2Attention struct {
	QKV   nn.Fused   `weight:"q_proj,k_proj,v_proj"`
	QNorm nn.RMSNorm `weight:"q_norm"`
	KNorm nn.RMSNorm `weight:"k_norm"`
	OProj nn.Linear  `weight:"o_proj"`
	Rope  nn.RoPE    `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newOlmo2Attention(c *Olmo2Config, rope nn.RoPE) olmo2Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return olmo2Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		QNorm: nn.RMSNorm{Dims: q, Eps: c.RMSNormEps},
		KNorm: nn.RMSNorm{Dims: kv, Eps: c.RMSNormEps},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		Rope:  rope,
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *olmo2Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	q, k, v := nn.Three(a.QKV.Forward(s, x))                      // [B, L, H*d] each
	q = nn.SplitHeads(s, a.QNorm.Forward(s, q), a.heads, a.dim)   // [B, Hq, L, d]
	k = nn.SplitHeads(s, a.KNorm.Forward(s, k), a.kvHeads, a.dim) // [B, Hkv, L, d]
	v = nn.SplitHeads(s, v, a.kvHeads, a.dim)                     // [B, Hkv, L, d]
	q = a.Rope.Forward(s, q, kv.Position())
	k = a.Rope.Forward(s, k, kv.Position())
	out := kv.Attend(s, q, k, v, a.attend)           // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

type olmo2Block struct {
	SelfAttn                 olmo2Attention `weight:"self_attn"`
	MLP                      *gatedMLP      `weight:"mlp"`
	PostAttentionLayernorm   nn.RMSNorm     `weight:"post_attention_layernorm"`
	PostFeedforwardLayernorm nn.RMSNorm     `weight:"post_feedforward_layernorm"`
}

func newOlmo2Block(c *Olmo2Config, rope nn.RoPE) *olmo2Block {
	norm := nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps}
	return &olmo2Block{
		SelfAttn: newOlmo2Attention(c, rope), MLP: newGatedMLP(c.HiddenSize, c.IntermediateSize, c.MLPBias, (*nn.Fused).SwiGLU), PostAttentionLayernorm: norm, PostFeedforwardLayernorm: norm,
	}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *olmo2Block) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x := h.Sum(s)
	x = s.Add(x, b.PostAttentionLayernorm.Forward(s, b.SelfAttn.Forward(s, x, kv)))
	return nn.Plus(x, b.PostFeedforwardLayernorm.Forward(s, b.MLP.Forward(s, x)))
}

func newOlmo2(c *Olmo2Config) architecture {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	for range c.NumHiddenLayers {
		m.add(newOlmo2Block(c, c.layerRope("")), cache.Full())
	}
	return m
}
