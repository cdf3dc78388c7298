package models

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// decoder is what most models are around their blocks: an embedding, the blocks, a
// norm and the output, which may be the embedding.
type decoder struct {
	EmbedTokens nn.Embedding `weight:"model.embed_tokens"`
	Layers      []block      `weight:"model.layers"`
	Norm        nn.RMSNorm   `weight:"model.norm"`
	LMHead      *nn.Linear   `weight:"lm_head"` // nil when tied to the embedding

	tied   *bool
	kinds  []cache.Kind
	finish func(s *mlx.Scope, logits mlx.Array) mlx.Array // nil leaves the logits as they are
	stored func(nn.Weights) nn.Weights                    // shows a checkpoint's tensors by the names of the fields; nil where they are so
}

// newDecoder makes one without blocks. tied tells whether the output is the
// embedding; nil leaves it to the checkpoint.
func newDecoder(vocab, dims int, eps float32, tied *bool) *decoder {
	m := &decoder{EmbedTokens: nn.Embedding{Vocab: vocab, Dims: dims}, Norm: nn.RMSNorm{Dims: dims, Eps: eps}, tied: tied}
	if !valueOr(tied, true) {
		m.LMHead = newHead(&m.EmbedTokens)
	}
	return m
}

// add puts a block behind the others, and says what it has to remember.
func (m *decoder) add(b block, remembers cache.Kind) {
	m.Layers = append(m.Layers, b)
	m.kinds = append(m.kinds, remembers)
}

// sanitize settles whether the output layer is the checkpoint's or the embedding.
func (m *decoder) sanitize(w nn.Weights) nn.Weights {
	if m.stored != nil {
		w = m.stored(w)
	}
	return sanitizeHead(w, m.tied, &m.LMHead, &m.EmbedTokens)
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *decoder) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Head(s, m.Hidden(s, tokens, kv))
}

// Hidden implements architecture.
func (m *decoder) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	h := nn.Plain(m.EmbedTokens.Forward(s, tokens)) // [B, L, D]
	for i, layer := range m.Layers {
		h = through(s, kv, layer, i, h)
	}
	_, y := h.Norm(s, &m.Norm)
	return y
}

// Head implements architecture.
func (m *decoder) Head(s *mlx.Scope, h mlx.Array) mlx.Array {
	logits := headOf(s, m.LMHead, &m.EmbedTokens, h)
	if m.finish == nil {
		return logits
	}
	return m.finish(s, logits)
}

func (m *decoder) headLayer() any { return orEmbedding(m.LMHead, &m.EmbedTokens) }

// NewCache makes an empty cache.
func (m *decoder) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, m.kinds, opts...)
}

// preNorm is the block of Llama and those that differ in attention or MLP only: a
// norm before each.
type preNorm struct {
	SelfAttn               attentionLayer `weight:"self_attn"`
	MLP                    mlpLayer       `weight:"mlp"`
	InputLayernorm         nn.RMSNorm     `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm     `weight:"post_attention_layernorm"`
}

func newBlock(dims int, eps float32, attention attentionLayer, mlp mlpLayer) *preNorm {
	norm := nn.RMSNorm{Dims: dims, Eps: eps}
	return &preNorm{SelfAttn: attention, MLP: mlp, InputLayernorm: norm, PostAttentionLayernorm: norm}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *preNorm) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	x, y = b.PostAttentionLayernorm.Add(s, x, b.SelfAttn.Forward(s, y, kv))
	return nn.Plus(x, b.MLP.Forward(s, y))
}
