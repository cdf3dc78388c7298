package models

// Llama: Touvron et al., 2023, https://arxiv.org/abs/2302.13971, and its
// successors. Reference: mlx_lm/models/llama.py.

import (
	"math"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LlamaConfig is config.json of model_type "llama".
type LlamaConfig struct {
	ropeConfig
	decoderConfig
	TieWordEmbeddings *bool    `json:"tie_word_embeddings"` // nil: as the checkpoint has it
	LayerTypes        []string `json:"layer_types"`
	SlidingWindow     *int     `json:"sliding_window"`
	AttentionBias     bool     `json:"attention_bias"`
	MLPBias           bool     `json:"mlp_bias"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *LlamaConfig) normalize() error {
	c.fillHeads()
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-6)
	if err := c.check(); err != nil {
		return err
	}
	if c.LayerTypes == nil {
		c.LayerTypes = slices.Repeat([]string{fullAttention}, c.NumHiddenLayers)
	}
	if err := checkLayerTypes(c.LayerTypes, c.NumHiddenLayers); err != nil {
		return err
	}
	for _, t := range []string{fullAttention, slidingAttention} {
		rope := c.rope(t, c.HeadDim, 10000)
		if err := rope.Validate(); err != nil {
			return err
		}
	}
	if slices.Contains(c.LayerTypes, slidingAttention) {
		return checkSizes(sizes{{"sliding_window", valueOr(c.SlidingWindow, 0)}})
	}
	return nil
}

type llamaAttention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Rope  *nn.RoPE  `weight:""` // nil turns nothing

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newLlamaAttention(c *LlamaConfig, layerType string) *llamaAttention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	rope := c.rope(layerType, c.HeadDim, 10000)
	return &llamaAttention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		Rope:  &rope,
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *llamaAttention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Turn(s, a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newLlamaMLP(c *LlamaConfig) *gatedMLP {
	return newGatedMLP(c.HiddenSize, c.IntermediateSize, c.MLPBias, (*nn.Fused).SwiGLU)
}

func newLlama(c *LlamaConfig) architecture {
	m := newLlamaStem(c)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newLlamaAttention(c, t), newLlamaMLP(c)))
	}
	return m
}

// newLlamaStem is the model without its blocks.
func newLlamaStem(c *LlamaConfig) *decoder {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, c.TieWordEmbeddings)
	m.kinds = attentionKinds(c.LayerTypes, valueOr(c.SlidingWindow, 0))
	return m
}
