package models

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// gemma4Attender attends, with keys and values of its own or those that the layer
// of its type before it saw. It maps x [B, L, D] to [B, L, D].
type gemma4Attender interface {
	Forward(s *mlx.Scope, x mlx.Array, kv cache.KV, seen *cache.Seen) mlx.Array
}

// gemma4Queries are the parts that all layers have.
type gemma4Queries struct {
	OProj nn.Linear  `weight:"o_proj"`
	QNorm nn.RMSNorm `weight:"q_norm"`
	Rope  nn.RoPE    `weight:""`

	heads, dim int
}

func newGemma4Queries(c *Gemma4TextConfig, i int) gemma4Queries {
	dim := c.heads(i).HeadDim
	return gemma4Queries{
		OProj: nn.Linear{In: c.NumAttentionHeads * dim, Out: c.HiddenSize, NoBias: !c.AttentionBias},
		QNorm: nn.RMSNorm{Dims: dim, Eps: c.RMSNormEps},
		Rope:  c.rope(c.LayerTypes[i], dim, 10000),
		heads: c.NumAttentionHeads, dim: dim,
	}
}

// split maps a projection [B, L, Hq*d] to turned heads [B, Hq, L, d].
func (a *gemma4Queries) split(s *mlx.Scope, q mlx.Array, at nn.Position) mlx.Array {
	q = a.QNorm.Forward(s, nn.SplitHeads(s, q, a.heads, a.dim))
	return a.Rope.Forward(s, q, at)
}

// join maps attention [B, Hq, L, d] to [B, L, D].
func (a *gemma4Queries) join(s *mlx.Scope, x mlx.Array) mlx.Array {
	return a.OProj.Forward(s, nn.MergeHeads(s, x))
}

// gemma4Scale is of the scores: the norm of the queries has it already.
var gemma4Scale = cache.Attention{Scale: 1}

// gemma4Shared attends to the keys and values of a layer before it.
type gemma4Shared struct {
	Queries gemma4Queries `weight:""`
	QProj   nn.Linear     `weight:"q_proj"`
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *gemma4Shared) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV, seen *cache.Seen) mlx.Array {
	q := a.Queries.split(s, a.QProj.Forward(s, x), kv.Position())
	return a.Queries.join(s, seen.Attend(s, q, gemma4Scale)) // [B, L, D]
}

// gemma4Attention has keys and values.
type gemma4Attention struct {
	Queries gemma4Queries    `weight:""`
	Project gemma4Projection `weight:""`
	KNorm   nn.RMSNorm       `weight:"k_norm"`

	kvHeads, dim int
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *gemma4Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV, seen *cache.Seen) mlx.Array {
	q, k, v := a.Project.project(s, x)        // [B, L, H*d] each
	q = a.Queries.split(s, q, kv.Position())  // [B, Hq, L, d]
	k = nn.SplitHeads(s, k, a.kvHeads, a.dim) // [B, Hkv, L, d]
	v = nn.SplitHeads(s, v, a.kvHeads, a.dim) // [B, Hkv, L, d]
	v = s.RMSNorm(v, mlx.Array{}, a.KNorm.Eps)
	k = a.Queries.Rope.Forward(s, a.KNorm.Forward(s, k), kv.Position())
	return a.Queries.join(s, kv.Attend(s, q, k, v, gemma4Scale.NotedIn(seen))) // [B, L, D]
}

// gemma4Projection maps x [B, L, D] to queries, keys and values [B, L, H*d].
type gemma4Projection interface {
	project(s *mlx.Scope, x mlx.Array) (q, k, v mlx.Array)
}

type gemma4QKV struct {
	Fused nn.Fused `weight:"q_proj,k_proj,v_proj"`
}

func (p *gemma4QKV) project(s *mlx.Scope, x mlx.Array) (q, k, v mlx.Array) {
	return nn.Three(p.Fused.Forward(s, x))
}

// gemma4QK is where the values are the keys, before norm and turn.
type gemma4QK struct {
	Fused nn.Fused `weight:"q_proj,k_proj"`
}

func (p *gemma4QK) project(s *mlx.Scope, x mlx.Array) (q, k, v mlx.Array) {
	q, k = nn.Two(p.Fused.Forward(s, x))
	return q, k, k
}

func newGemma4Attention(c *Gemma4TextConfig, i int) gemma4Attender {
	h, queries := c.heads(i), newGemma4Queries(c, i)
	q, kv := c.NumAttentionHeads*h.HeadDim, h.NumKeyValueHeads*h.HeadDim
	if i >= c.firstShared() {
		return &gemma4Shared{Queries: queries, QProj: nn.Linear{In: c.HiddenSize, Out: q, NoBias: !c.AttentionBias}}
	}
	var project gemma4Projection = &gemma4QKV{nn.Fused{In: c.HiddenSize, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias}}
	if c.AttentionKEqV && c.LayerTypes[i] == fullAttention {
		project = &gemma4QK{nn.Fused{In: c.HiddenSize, Outs: []int{q, kv}, NoBias: !c.AttentionBias}}
	}
	return &gemma4Attention{
		Queries: queries,
		Project: project,
		KNorm:   nn.RMSNorm{Dims: h.HeadDim, Eps: c.RMSNormEps},
		kvHeads: h.NumKeyValueHeads, dim: h.HeadDim,
	}
}
