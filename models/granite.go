package models

// Granite 3: IBM, 2024, https://github.com/ibm-granite/granite-3.0-language-models.
// Reference: mlx_lm/models/granite.py. A Llama with four factors: of embeddings,
// scores, residuals and logits.

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GraniteConfig is config.json of model_type "granite".
type GraniteConfig struct {
	LlamaConfig
	EmbeddingMultiplier float64 `json:"embedding_multiplier"`
	AttentionMultiplier float64 `json:"attention_multiplier"` // in place of 1/sqrt(d)
	ResidualMultiplier  float64 `json:"residual_multiplier"`
	LogitsScaling       float64 `json:"logits_scaling"` // divides them
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *GraniteConfig) normalize() error {
	for _, factor := range []*float64{&c.EmbeddingMultiplier, &c.AttentionMultiplier, &c.ResidualMultiplier, &c.LogitsScaling} {
		*factor = orElse(*factor, 1)
	}
	return c.LlamaConfig.normalize()
}

func newGraniteAttention(c *GraniteConfig, layerType string) *llamaAttention {
	a := newLlamaAttention(&c.LlamaConfig, layerType)
	a.attend.Scale = float32(c.AttentionMultiplier)
	return a
}

type graniteBlock struct {
	SelfAttn               *llamaAttention `weight:"self_attn"`
	MLP                    *gatedMLP       `weight:"mlp"`
	InputLayernorm         nn.RMSNorm      `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm      `weight:"post_attention_layernorm"`

	residual float64
}

func newGraniteBlock(c *GraniteConfig, layerType string) *graniteBlock {
	return &graniteBlock{
		SelfAttn:               newGraniteAttention(c, layerType),
		MLP:                    newLlamaMLP(&c.LlamaConfig),
		InputLayernorm:         nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		PostAttentionLayernorm: nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		residual:               c.ResidualMultiplier,
	}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *graniteBlock) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	x, y = b.PostAttentionLayernorm.Add(s, x, factor(s, b.SelfAttn.Forward(s, y, kv), b.residual))
	return nn.Plus(x, factor(s, b.MLP.Forward(s, y), b.residual))
}

// factor is x times v.
func factor(s *mlx.Scope, x mlx.Array, v float64) mlx.Array {
	return s.Multiply(x, s.Scalar(v, s.DtypeOf(x)))
}

// newGraniteStem is the model without its layers: a Llama whose logits are divided.
func newGraniteStem(c *GraniteConfig) *decoder {
	m := newLlamaStem(&c.LlamaConfig)
	m.EmbedTokens.Scale = c.EmbeddingMultiplier
	m.finish = func(s *mlx.Scope, logits mlx.Array) mlx.Array {
		return s.Divide(logits, s.Scalar(c.LogitsScaling, s.DtypeOf(logits)))
	}
	return m
}

func newGranite(c *GraniteConfig) architecture {
	m := newGraniteStem(c)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newGraniteBlock(c, t))
	}
	return m
}
