package models

// GLM-4: GLM team, 2024, https://arxiv.org/abs/2406.12793, in the form of
// GLM-4-0414. Reference: mlx_lm/models/glm4.py. What differs from Llama: norms
// stand before and behind attention and MLP, the first half of each head is
// turned, in neighbouring pairs, and gate and up are stored as one.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Glm4Config is config.json of model_type "glm4".
type Glm4Config struct {
	ropeConfig
	decoderConfig
	TieWordEmbeddings bool `json:"tie_word_embeddings"`
	AttentionBias     bool `json:"attention_bias"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Glm4Config) normalize() error {
	c.NumKeyValueHeads = orElse(c.NumKeyValueHeads, 2)
	c.HeadDim = orElse(c.HeadDim, 128)
	c.RMSNormEps = orElse(c.RMSNormEps, 1.5625e-7)
	c.PartialRotaryFactor = orElse(c.PartialRotaryFactor, 0.5)
	c.RopeTraditional = true
	if err := c.check(); err != nil {
		return err
	}
	rope := c.rope("", c.HeadDim, 10000)
	return rope.Validate()
}

type glm4Attention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Rope  nn.RoPE   `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newGlm4Attention(c *Glm4Config) glm4Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return glm4Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: true},
		Rope:  c.rope("", c.HeadDim, 10000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *glm4Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

type glm4Block struct {
	SelfAttn               glm4Attention `weight:"self_attn"`
	MLP                    *joinedMLP    `weight:"mlp"`
	InputLayernorm         nn.RMSNorm    `weight:"input_layernorm"`
	PostSelfAttnLayernorm  nn.RMSNorm    `weight:"post_self_attn_layernorm"`
	PostAttentionLayernorm nn.RMSNorm    `weight:"post_attention_layernorm"`
	PostMLPLayernorm       nn.RMSNorm    `weight:"post_mlp_layernorm"`
}

func newGlm4Block(c *Glm4Config) *glm4Block {
	norm := nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps}
	return &glm4Block{
		SelfAttn:       newGlm4Attention(c),
		MLP:            newJoinedMLP(c.HiddenSize, c.IntermediateSize),
		InputLayernorm: norm, PostSelfAttnLayernorm: norm, PostAttentionLayernorm: norm, PostMLPLayernorm: norm,
	}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *glm4Block) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	y = b.PostSelfAttnLayernorm.Forward(s, b.SelfAttn.Forward(s, y, kv))
	x, y = b.PostAttentionLayernorm.Add(s, x, y)
	return nn.Plus(x, b.PostMLPLayernorm.Forward(s, b.MLP.Forward(s, y)))
}

func newGlm4(c *Glm4Config) architecture {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	for range c.NumHiddenLayers {
		m.add(newGlm4Block(c), cache.Full())
	}
	return m
}
