package models

// Gemma 4: Gemma Team, 2026. References: mlx_lm/models/gemma4_text.py and
// transformers' modeling_gemma4.py. Its sizes differ a lot: small models give
// each layer embeddings of its own and let the last layers share keys and values,
// large ones have keys for values, or experts.

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type gemma4 struct {
	EmbedTokens nn.Embedding   `weight:"model.embed_tokens"`
	PerLayer    *gemma4Inputs  `weight:"model"` // nil without
	Layers      []*gemma4Layer `weight:"model.layers"`
	Norm        nn.RMSNorm     `weight:"model.norm"`
	LMHead      *nn.Linear     `weight:"lm_head"` // nil when tied to the embedding

	tied    *bool
	softcap float32
	types   []string
	kinds   []cache.Kind // of the layers that have keys and values
}

func newGemma4Text(c *Gemma4TextConfig) architecture {
	m := &gemma4{
		EmbedTokens: nn.Embedding{Vocab: c.VocabSize, Dims: c.HiddenSize, Scale: math.Sqrt(float64(c.HiddenSize))},
		Norm:        c.norm(),
		tied:        c.TieWordEmbeddings,
		softcap:     c.FinalLogitSoftcapping,
		types:       c.LayerTypes,
		kinds:       attentionKinds(c.LayerTypes[:c.firstShared()], c.SlidingWindow),
	}
	for i := range c.NumHiddenLayers {
		m.Layers = append(m.Layers, newGemma4Layer(c, i))
	}
	if c.perLayer() != 0 {
		m.PerLayer = newGemma4Inputs(c)
	}
	if !valueOr(c.TieWordEmbeddings, true) {
		m.LMHead = newHead(&m.EmbedTokens)
	}
	return m
}

func newGemma4UnifiedText(c *Gemma4UnifiedTextConfig) architecture {
	return newGemma4Text(&c.Gemma4TextConfig)
}

// sanitize leaves out what a checkpoint has beside the model: keys and values of
// layers that share others', bounds of quantisation. Hugging Face has gate and up
// of the experts in one.
func (m *gemma4) sanitize(w nn.Weights) nn.Weights {
	w = nn.Rename(w, func(stored string) (string, bool) {
		idle := slices.ContainsFunc(gemma4Idle, func(part string) bool { return strings.Contains(stored, part) })
		return expertTensor(stored, "experts.switch_glu"), !idle && !m.shares(stored)
	})
	w = nn.Halve(w, "gate_up_proj", "gate_proj", "up_proj")
	return sanitizeHead(w, m.tied, &m.LMHead, &m.EmbedTokens)
}

// gemma4Idle are parts of the names of tensors that are no weights.
var gemma4Idle = []string{".input_max", ".input_min", ".output_max", ".output_min", ".self_attn.rotary_emb"}

// shares reports whether a tensor is of keys and values that a layer does not use.
func (m *gemma4) shares(stored string) bool {
	rest, _ := strings.CutPrefix(stored, "model.layers.")
	number, rest, _ := strings.Cut(rest, ".self_attn.")
	i, err := strconv.Atoi(number)
	name, _, _ := strings.Cut(rest, ".")
	return err == nil && i >= len(m.kinds) && slices.Contains([]string{"k_proj", "v_proj", "k_norm"}, name)
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *gemma4) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Head(s, m.Hidden(s, tokens, kv))
}

// Hidden implements architecture. Layers that share keys and values cannot be run
// again apart from each other: they keep what they compute.
func (m *gemma4) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	h := m.EmbedTokens.Forward(s, tokens) // [B, L, D]
	own := m.PerLayer.forward(s, tokens, h, len(m.Layers))
	seen := map[string]*cache.Seen{fullAttention: {}, slidingAttention: {}}
	for i, layer := range m.Layers {
		at := min(i, len(m.kinds)-1) // the others ask for the position only
		h = layer.Forward(s, h, own[i], kv.KV(s, at), seen[m.types[i]])
	}
	return m.Norm.Forward(s, h)
}

// Head implements architecture.
func (m *gemma4) Head(s *mlx.Scope, h mlx.Array) mlx.Array {
	return nn.Softcap(s, headOf(s, m.LMHead, &m.EmbedTokens, h), m.softcap)
}

func (m *gemma4) headLayer() any { return orEmbedding(m.LMHead, &m.EmbedTokens) }

// NewCache makes an empty cache, for the layers that have keys and values.
func (m *gemma4) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, m.kinds, opts...)
}

// gemma4Inputs are the embeddings that each layer has of its own.
type gemma4Inputs struct {
	Embed      nn.Embedding `weight:"embed_tokens_per_layer"`
	Projection nn.Linear    `weight:"per_layer_model_projection"`
	Norm       nn.RMSNorm   `weight:"per_layer_projection_norm"`

	scale float64 // of the projection
}

func newGemma4Inputs(c *Gemma4TextConfig) *gemma4Inputs {
	p, all := c.perLayer(), c.perLayer()*c.NumHiddenLayers
	return &gemma4Inputs{
		Embed:      nn.Embedding{Vocab: c.VocabSizePerLayerInput, Dims: all, Scale: math.Sqrt(float64(p))},
		Projection: nn.Linear{In: c.HiddenSize, Out: all, NoBias: true},
		Norm:       nn.RMSNorm{Dims: p, Eps: c.RMSNormEps},
		scale:      math.Pow(float64(c.HiddenSize), -0.5),
	}
}

// forward maps tokens [B, L] and their embeddings h [B, L, D] to [B, L, P] for each
// layer; to null where there are none.
func (g *gemma4Inputs) forward(s *mlx.Scope, tokens, h mlx.Array, layers int) []mlx.Array {
	if g == nil {
		return make([]mlx.Array, layers)
	}
	embedded := g.Embed.Forward(s, tokens)                        // [B, L, N*P]
	projected := nn.Times(s, g.scale, g.Projection.Forward(s, h)) // [B, L, N*P]
	shape := s.Shape(projected)
	projected = g.Norm.Forward(s, s.Reshape(projected, -1, g.Norm.Dims)) // [B*L*N, P]
	sum := s.Add(s.Reshape(projected, shape...), embedded)
	parts := s.Split(nn.Times(s, math.Sqrt2/2, sum), layers, -1)
	if s.Err() != nil {
		return make([]mlx.Array, layers)
	}
	return parts
}
