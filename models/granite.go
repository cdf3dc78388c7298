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

// Forward maps x [B, L, D] to [B, L, D].
func (b *graniteBlock) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	h := s.Add(x, factor(s, b.SelfAttn.Forward(s, b.InputLayernorm.Forward(s, x), kv), b.residual))
	return s.Add(h, factor(s, b.MLP.Forward(s, b.PostAttentionLayernorm.Forward(s, h)), b.residual))
}

// factor is x times v.
func factor(s *mlx.Scope, x mlx.Array, v float64) mlx.Array {
	return s.Multiply(x, s.Scalar(v, s.DtypeOf(x)))
}

// granite is a Llama whose logits are divided.
type granite struct {
	Stem *decoder `weight:""`

	logits float64
}

// newGraniteStem is the model without its layers.
func newGraniteStem(c *GraniteConfig) *granite {
	m := &granite{Stem: newLlamaStem(&c.LlamaConfig), logits: c.LogitsScaling}
	m.Stem.EmbedTokens.Scale = c.EmbeddingMultiplier
	return m
}

func newGranite(c *GraniteConfig) architecture {
	m := newGraniteStem(c)
	for _, t := range c.LayerTypes {
		m.Stem.Layers = append(m.Stem.Layers, newGraniteBlock(c, t))
	}
	return m
}

func (m *granite) sanitize(w nn.Weights) nn.Weights { return m.Stem.sanitize(w) }

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *granite) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Head(s, m.Hidden(s, tokens, kv))
}

// Hidden implements architecture.
func (m *granite) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Stem.Hidden(s, tokens, kv)
}

// Head implements architecture.
func (m *granite) Head(s *mlx.Scope, h mlx.Array) mlx.Array {
	logits := m.Stem.Head(s, h)
	return s.Divide(logits, s.Scalar(m.logits, s.DtypeOf(logits)))
}

func (m *granite) headLayer() any { return m.Stem.headLayer() }

// NewCache makes an empty cache.
func (m *granite) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return m.Stem.NewCache(t, opts...)
}
