package models

// What qwen3_next and qwen3_5 share: layers with a gated delta net, and among them
// some with gated attention. Reference: mlx_lm/models/qwen3_next.py.

import (
	"math"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type qwenDeltaAttention struct {
	QKV   nn.Fused   `weight:"q_proj,k_proj,v_proj"` // beside each query stands its gate
	QNorm nn.RMSNorm `weight:"q_norm"`
	KNorm nn.RMSNorm `weight:"k_norm"`
	OProj nn.Linear  `weight:"o_proj"`
	Rope  nn.RoPE    `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newQwenDeltaAttention(c *qwenDeltaConfig) *qwenDeltaAttention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &qwenDeltaAttention{
		QKV:   nn.Fused{In: d, Outs: []int{2 * q, kv, kv}, NoBias: !c.AttentionBias},
		QNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps},
		KNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		Rope:  c.layerRope(),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *qwenDeltaAttention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	q, k, v := nn.Three(a.QKV.Forward(s, x))  // [B, L, 2*Hq*d] and [B, L, Hkv*d]
	q = nn.SplitHeads(s, q, a.heads, 2*a.dim) // [B, Hq, L, 2d]
	k = nn.SplitHeads(s, k, a.kvHeads, a.dim) // [B, Hkv, L, d]
	v = nn.SplitHeads(s, v, a.kvHeads, a.dim) // [B, Hkv, L, d]
	q, gate := nn.Two(s.Split(q, 2, -1))      // [B, Hq, L, d] each
	q = a.Rope.Forward(s, a.QNorm.Forward(s, q), kv.Position())
	k = a.Rope.Forward(s, a.KNorm.Forward(s, k), kv.Position())
	out := s.Multiply(kv.Attend(s, q, k, v, a.attend), s.Sigmoid(gate)) // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out))                    // [B, L, D]
}

// qwenDeltaNet is a gated delta net with the projections of a model_type.
type qwenDeltaNet interface {
	// Forward maps x [B, L, D] to [B, L, D].
	Forward(s *mlx.Scope, x mlx.Array, m nn.Memory) mlx.Array
}

type qwenDeltaBlock struct {
	LinearAttn             qwenDeltaNet        `weight:"linear_attn"` // nil in a layer that attends
	SelfAttn               *qwenDeltaAttention `weight:"self_attn"`   // nil in the others
	MLP                    nn.Unary            `weight:"mlp"`
	InputLayernorm         nn.RMSNorm          `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm          `weight:"post_attention_layernorm"`
}

// Forward maps x [B, L, D] to [B, L, D] as layer i.
func (b *qwenDeltaBlock) Forward(s *mlx.Scope, x mlx.Array, kv *cache.Cache, i int) mlx.Array {
	h := b.InputLayernorm.Forward(s, x)
	if b.SelfAttn != nil {
		h = b.SelfAttn.Forward(s, h, kv.KV(s, i))
	} else {
		h = b.LinearAttn.Forward(s, h, kv.Recurrent(s, i))
	}
	h, y := b.PostAttentionLayernorm.Add(s, x, h)
	return s.Add(h, b.MLP.Forward(s, y))
}

type qwenDelta struct {
	EmbedTokens nn.Embedding      `weight:"model.embed_tokens"`
	Layers      []*qwenDeltaBlock `weight:"model.layers"`
	Norm        nn.RMSNorm        `weight:"model.norm"`
	LMHead      *nn.Linear        `weight:"lm_head"` // nil when tied to the embedding

	kinds  []cache.Kind                  // of the layers
	gather func(w nn.Weights) nn.Weights // shows experts as layers keep them; nil where there are none
}

// newQwenDelta makes a model of the delta nets and the MLPs that are made for each
// layer.
func newQwenDelta(c *qwenDeltaConfig, net func() qwenDeltaNet, mlp func(layer int) nn.Unary) *qwenDelta {
	norm := nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps}
	m := &qwenDelta{EmbedTokens: nn.Embedding{Vocab: c.VocabSize, Dims: c.HiddenSize}, Norm: norm, kinds: c.kinds()}
	for i, t := range c.LayerTypes {
		b := &qwenDeltaBlock{MLP: mlp(i), InputLayernorm: norm, PostAttentionLayernorm: norm}
		if t == fullAttention {
			b.SelfAttn = newQwenDeltaAttention(c)
		} else {
			b.LinearAttn = net()
		}
		m.Layers = append(m.Layers, b)
	}
	if !c.TieWordEmbeddings {
		m.LMHead = &nn.Linear{In: c.HiddenSize, Out: c.VocabSize, NoBias: true}
	}
	return m
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *qwenDelta) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Head(s, m.Hidden(s, tokens, kv))
}

// Hidden implements architecture.
func (m *qwenDelta) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	h := m.EmbedTokens.Forward(s, tokens) // [B, L, D]
	for i, layer := range m.Layers {
		h = recomputed(s, kv, layer, func(s *mlx.Scope, in []mlx.Array) mlx.Array {
			return layer.Forward(s, in[0], kv, i)
		}, h)
	}
	return m.Norm.Forward(s, h)
}

// Head implements architecture.
func (m *qwenDelta) Head(s *mlx.Scope, h mlx.Array) mlx.Array {
	return headOf(s, m.LMHead, &m.EmbedTokens, h)
}

func (m *qwenDelta) headLayer() any { return orEmbedding(m.LMHead, &m.EmbedTokens) }

// NewCache makes an empty cache.
func (m *qwenDelta) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, m.kinds, opts...)
}

// sanitize leaves out the heads that predict further tokens, and shows a checkpoint
// of Hugging Face's as MLX keeps it: kernels [D, K, 1], which tell the two apart,
// and norms around 1.
func (m *qwenDelta) sanitize(w nn.Weights) nn.Weights {
	tied, foreign := m.LMHead == nil, false
	w = nn.Rename(w, func(stored string) (string, bool) {
		foreign = foreign || foreignKernel(stored, w.Tensor(stored))
		dropped := strings.Contains(stored, "mtp.") || tied && stored == "lm_head.weight"
		return stored, !dropped
	})
	if m.gather != nil {
		w = m.gather(w)
	}
	if !foreign {
		return w
	}
	return nn.MapTensors(w, func(name string, t nn.Tensor) nn.Tensor {
		shape := t.Shape()
		switch {
		case foreignKernel(name, t):
			shape = []int{shape[0], shape[2], shape[1]}
			return nn.Derived(t, shape, func(s *mlx.Scope, a mlx.Array) mlx.Array { return s.SwapAxes(a, 1, 2) })
		case len(shape) == 1 && isCentredNorm(name):
			return nn.Derived(t, shape, func(s *mlx.Scope, a mlx.Array) mlx.Array { return s.Add(a, s.Scalar(1, s.DtypeOf(a))) })
		}
		return t
	})
}

// foreignKernel tells a kernel [D, 1, K].
func foreignKernel(name string, t nn.Tensor) bool {
	shape := t.Shape()
	return strings.HasSuffix(name, "conv1d.weight") && len(shape) == 3 && shape[2] != 1
}

// isCentredNorm tells the norms that Hugging Face stores around 0.
func isCentredNorm(name string) bool {
	for _, suffix := range []string{".input_layernorm.weight", ".post_attention_layernorm.weight", "model.norm.weight", ".q_norm.weight", ".k_norm.weight"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}
