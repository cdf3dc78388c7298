package models

// What Gemma 2 and 3 have in common: everything but attention.

import (
	"encoding/json"
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// gemmaConfig are the fields of config.json that Gemma 2 and 3 share.
type gemmaConfig struct {
	ropeConfig
	decoderConfig
	QueryPreAttnScalar    float64  `json:"query_pre_attn_scalar"`
	HiddenActivation      string   `json:"hidden_activation"`
	SlidingWindow         int      `json:"sliding_window"`
	LayerTypes            []string `json:"layer_types"`
	AttnLogitSoftcapping  softcap  `json:"attn_logit_softcapping"`
	FinalLogitSoftcapping softcap  `json:"final_logit_softcapping"`
	AttentionBias         bool     `json:"attention_bias"`
	TieWordEmbeddings     *bool    `json:"tie_word_embeddings"`
}

// normalize fills in what transformers' classes have for missing fields, which
// its files leave out, and refuses what cannot be a model. Every pattern-th layer
// attends to everything, unless layer_types says otherwise.
func (c *gemmaConfig) normalize(vocab, pattern int) (err error) {
	c.HiddenSize, c.NumHiddenLayers = orElse(c.HiddenSize, 2304), orElse(c.NumHiddenLayers, 26)
	c.IntermediateSize, c.VocabSize = orElse(c.IntermediateSize, 9216), orElse(c.VocabSize, vocab)
	c.NumAttentionHeads, c.NumKeyValueHeads = orElse(c.NumAttentionHeads, 8), orElse(c.NumKeyValueHeads, 4)
	c.HeadDim, c.SlidingWindow = orElse(c.HeadDim, 256), orElse(c.SlidingWindow, 4096)
	c.RMSNormEps, c.QueryPreAttnScalar = orElse(c.RMSNormEps, 1e-6), orElse(c.QueryPreAttnScalar, 256)
	if err := c.check(); err != nil {
		return err
	}
	if err := checkSizes(sizes{{"sliding_window", c.SlidingWindow}}); err != nil {
		return err
	}
	if c.LayerTypes, err = layerTypes(c.LayerTypes, c.NumHiddenLayers, pattern); err != nil {
		return err
	}
	if !(c.QueryPreAttnScalar > 0) {
		return fieldError("query_pre_attn_scalar", "%v is not positive", c.QueryPreAttnScalar)
	}
	if err := checkSoftcap("attn_logit_softcapping", c.AttnLogitSoftcapping.value); err != nil {
		return err
	}
	if err := checkSoftcap("final_logit_softcapping", c.FinalLogitSoftcapping.value); err != nil {
		return err
	}
	return checkActivation(c.HiddenActivation)
}

// softcap is a number, or null, which is none, in a configuration that may not
// have it.
type softcap struct {
	value float32
	given bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *softcap) UnmarshalJSON(data []byte) error {
	c.given = true
	return json.Unmarshal(data, &c.value)
}

// MarshalJSON implements json.Marshaler.
func (c softcap) MarshalJSON() ([]byte, error) { return json.Marshal(c.value) }

// orElse sets what a configuration does not have.
func (c *softcap) orElse(value float32) {
	if !c.given {
		c.value = value
	}
}

func checkSoftcap(field string, value float32) error {
	if value < 0 {
		return fieldError(field, "%v is negative", value)
	}
	return nil
}

// checkActivation refuses what is not Gemma's, gelu by a tanh.
func checkActivation(name string) error {
	if name != "" && name != "gelu_pytorch_tanh" {
		return fieldError("hidden_activation", "%q is not gelu_pytorch_tanh", name)
	}
	return nil
}

// attention is how queries weigh keys.
func (c *gemmaConfig) attention() cache.Attention {
	return cache.Attention{Scale: float32(1 / math.Sqrt(c.QueryPreAttnScalar)), Softcap: c.AttnLogitSoftcapping.value}
}

func (c *gemmaConfig) norm() nn.RMSNorm {
	return nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps, Zero: true}
}

type gemmaBlock struct {
	SelfAttn                 attentionLayer `weight:"self_attn"`
	MLP                      *gatedMLP      `weight:"mlp"`
	InputLayernorm           nn.RMSNorm     `weight:"input_layernorm"`
	PostAttentionLayernorm   nn.RMSNorm     `weight:"post_attention_layernorm"`
	PreFeedforwardLayernorm  nn.RMSNorm     `weight:"pre_feedforward_layernorm"`
	PostFeedforwardLayernorm nn.RMSNorm     `weight:"post_feedforward_layernorm"`
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *gemmaBlock) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	y = b.PostAttentionLayernorm.Forward(s, b.SelfAttn.Forward(s, y, kv))
	x, y = b.PreFeedforwardLayernorm.AddClipped(s, x, y)
	return nn.PlusClipped(x, b.PostFeedforwardLayernorm.Forward(s, b.MLP.Forward(s, y)))
}

// newGemma is the model: a decoder of such blocks, whose logits are bounded.
func newGemma(c *gemmaConfig, attention func(layerType string) attentionLayer, embedScale float64) *decoder {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, c.TieWordEmbeddings)
	m.EmbedTokens.Scale, m.Norm = embedScale, c.norm()
	m.kinds = attentionKinds(c.LayerTypes, c.SlidingWindow)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, &gemmaBlock{
			SelfAttn:                 attention(t),
			MLP:                      newGatedMLP(c.HiddenSize, c.IntermediateSize, false, (*nn.Fused).GeGLU),
			InputLayernorm:           c.norm(),
			PostAttentionLayernorm:   c.norm(),
			PreFeedforwardLayernorm:  c.norm(),
			PostFeedforwardLayernorm: c.norm(),
		})
	}
	m.finish = func(s *mlx.Scope, logits mlx.Array) mlx.Array {
		return nn.Softcap(s, logits, c.FinalLogitSoftcapping.value)
	}
	return m
}
