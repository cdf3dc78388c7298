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

// LlamaConfig is config.json of model_type "llama" and "mistral".
type LlamaConfig struct {
	ropeConfig
	HiddenSize        int      `json:"hidden_size"`
	NumHiddenLayers   int      `json:"num_hidden_layers"`
	IntermediateSize  int      `json:"intermediate_size"`
	NumAttentionHeads int      `json:"num_attention_heads"`
	NumKeyValueHeads  int      `json:"num_key_value_heads"`
	HeadDim           int      `json:"head_dim"`
	VocabSize         int      `json:"vocab_size"`
	RMSNormEps        float32  `json:"rms_norm_eps"`
	TieWordEmbeddings *bool    `json:"tie_word_embeddings"`
	LayerTypes        []string `json:"layer_types"`
	AttentionBias     bool     `json:"attention_bias"`
	MLPBias           bool     `json:"mlp_bias"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *LlamaConfig) normalize() error {
	c.NumKeyValueHeads = orElse(c.NumKeyValueHeads, c.NumAttentionHeads)
	if c.HeadDim == 0 && c.NumAttentionHeads > 0 {
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	}
	err := checkSizes(sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"intermediate_size", c.IntermediateSize},
		{"num_attention_heads", c.NumAttentionHeads}, {"num_key_value_heads", c.NumKeyValueHeads}, {"head_dim", c.HeadDim},
		{"vocab_size", c.VocabSize},
	})
	if err != nil {
		return err
	}
	for i, t := range c.LayerTypes {
		if t != "full_attention" {
			return fieldError("layer_types", "layer %d is %q; only full_attention is supported", i, t)
		}
	}
	if c.NumAttentionHeads%c.NumKeyValueHeads != 0 {
		return fieldError("num_key_value_heads", "%d does not divide num_attention_heads %d", c.NumKeyValueHeads, c.NumAttentionHeads)
	}
	rope := c.rope("", c.HeadDim, 10000)
	return rope.Validate()
}

type llamaAttention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Rope  nn.RoPE   `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newLlamaAttention(c *LlamaConfig) llamaAttention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return llamaAttention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		Rope:  c.rope("", c.HeadDim, 10000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *llamaAttention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	q, k, v := nn.Three(a.QKV.Forward(s, x))  // [B, L, H*d] each
	q = nn.SplitHeads(s, q, a.heads, a.dim)   // [B, Hq, L, d]
	k = nn.SplitHeads(s, k, a.kvHeads, a.dim) // [B, Hkv, L, d]
	v = nn.SplitHeads(s, v, a.kvHeads, a.dim) // [B, Hkv, L, d]
	q = a.Rope.Forward(s, q, kv.Position())
	k = a.Rope.Forward(s, k, kv.Position())
	out := kv.Attend(s, q, k, v, a.attend)           // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

type llamaMLP struct {
	GateUp nn.Fused  `weight:"gate_proj,up_proj"`
	Down   nn.Linear `weight:"down_proj"`
}

func newLlamaMLP(c *LlamaConfig) llamaMLP {
	d, i := c.HiddenSize, c.IntermediateSize
	return llamaMLP{GateUp: nn.Fused{In: d, Outs: []int{i, i}, NoBias: !c.MLPBias}, Down: nn.Linear{In: i, Out: d, NoBias: !c.MLPBias}}
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *llamaMLP) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	gate, up := nn.Two(m.GateUp.Forward(s, x)) // [B, L, I] each
	return m.Down.Forward(s, nn.SwiGLU(s, gate, up))
}

type llamaBlock struct {
	SelfAttn               llamaAttention `weight:"self_attn"`
	MLP                    llamaMLP       `weight:"mlp"`
	InputLayernorm         nn.RMSNorm     `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm     `weight:"post_attention_layernorm"`
}

// Forward maps x [B, L, D] to [B, L, D].
func (b *llamaBlock) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	h := s.Add(x, b.SelfAttn.Forward(s, b.InputLayernorm.Forward(s, x), kv))
	return s.Add(h, b.MLP.Forward(s, b.PostAttentionLayernorm.Forward(s, h)))
}

type llama struct {
	EmbedTokens nn.Embedding  `weight:"model.embed_tokens"`
	Layers      []*llamaBlock `weight:"model.layers"`
	Norm        nn.RMSNorm    `weight:"model.norm"`
	LMHead      *nn.Linear    `weight:"lm_head"` // nil when tied to the embedding
}

func newLlama(c *LlamaConfig) architecture {
	m := &llama{
		EmbedTokens: nn.Embedding{Vocab: c.VocabSize, Dims: c.HiddenSize},
		Norm:        nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
	}
	for range c.NumHiddenLayers {
		m.Layers = append(m.Layers, &llamaBlock{
			SelfAttn:               newLlamaAttention(c),
			MLP:                    newLlamaMLP(c),
			InputLayernorm:         nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
			PostAttentionLayernorm: nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		})
	}
	if c.TieWordEmbeddings != nil && !*c.TieWordEmbeddings {
		m.LMHead = &nn.Linear{In: c.HiddenSize, Out: c.VocabSize, NoBias: true}
	}
	return m
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *llama) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	h := m.EmbedTokens.Forward(s, tokens) // [B, L, D]
	for i, layer := range m.Layers {
		h = layer.Forward(s, h, kv.KV(s, i))
	}
	h = m.Norm.Forward(s, h)
	if m.LMHead == nil {
		return m.EmbedTokens.AsLinear(s, h)
	}
	return m.LMHead.Forward(s, h)
}

// NewCache makes an empty cache.
func (m *llama) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, slices.Repeat([]cache.Kind{cache.Full()}, len(m.Layers)), opts...)
}
