package models

// DeepSeek-V3: DeepSeek-AI, 2024, https://arxiv.org/abs/2412.19437, and Kimi K2.
// Reference: mlx_lm/models/deepseek_v3.py. Queries, keys and values go through
// latents, of which the cache keeps one a token (multi-head latent attention), and
// most layers are mixtures of many small experts and one that is shared.

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type deepseekV3Attention struct {
	Direct  *nn.Fused      `weight:"q_proj,kv_a_proj_with_mqa"`   // without a latent of the queries
	Lowered *nn.Fused      `weight:"q_a_proj,kv_a_proj_with_mqa"` // with one
	QNorm   *nn.RMSNorm    `weight:"q_a_layernorm"`
	QProj   *nn.Linear     `weight:"q_b_proj"`
	KVNorm  nn.RMSNorm     `weight:"kv_a_layernorm"`
	Keys    nn.MultiLinear `weight:"embed_q"`
	Values  nn.MultiLinear `weight:"unembed_out"`
	OProj   nn.Linear      `weight:"o_proj"`
	Rope    nn.RoPE        `weight:""`

	heads, plain, turned, rank int // features of a query or key that are turned, and that are not
	scale                      float32
}

func newDeepseekV3Attention(c *DeepseekV3Config) *deepseekV3Attention {
	d, h, bias := c.HiddenSize, c.NumAttentionHeads, c.AttentionBias
	q, latent := h*(c.QKNopeHeadDim+c.QKRopeHeadDim), c.KVLoraRank+c.QKRopeHeadDim
	a := &deepseekV3Attention{
		KVNorm: nn.RMSNorm{Dims: c.KVLoraRank, Eps: 1e-6},
		Keys:   nn.MultiLinear{Heads: h, In: c.QKNopeHeadDim, Out: c.KVLoraRank},
		Values: nn.MultiLinear{Heads: h, In: c.KVLoraRank, Out: c.VHeadDim},
		OProj:  nn.Linear{In: h * c.VHeadDim, Out: d, NoBias: !bias},
		Rope:   c.layerRope(),
		heads:  h, plain: c.QKNopeHeadDim, turned: c.QKRopeHeadDim, rank: c.KVLoraRank,
		scale: c.attentionScale(),
	}
	if c.QLoraRank == 0 {
		a.Direct = &nn.Fused{In: d, Outs: []int{q, latent}, NoBias: !bias}
		return a
	}
	a.Lowered = &nn.Fused{In: d, Outs: []int{c.QLoraRank, latent}, NoBias: !bias}
	a.QNorm = &nn.RMSNorm{Dims: c.QLoraRank, Eps: 1e-6}
	a.QProj = &nn.Linear{In: c.QLoraRank, Out: q, NoBias: true}
	return a
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *deepseekV3Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	q, lowered := a.project(s, x)                                                      // [B, L, H*(n+p)] and [B, L, r+p]
	q = nn.SplitHeads(s, q, a.heads, a.plain+a.turned)                                 // [B, H, L, n+p]
	q, qTurned := nn.Two(s.SplitSections(q, []int{a.plain}, -1))                       // [B, H, L, n] and [B, H, L, p]
	latent, kTurned := nn.Two(s.SplitSections(lowered, []int{a.rank}, -1))             // [B, L, r] and [B, L, p]
	latent = nn.SplitHeads(s, a.KVNorm.Forward(s, latent), 1, a.rank)                  // [B, 1, L, r]
	kTurned = a.Rope.Forward(s, nn.SplitHeads(s, kTurned, 1, a.turned), kv.Position()) // [B, 1, L, p]
	out := kv.Attend(s, q, latent, kTurned, cache.Attention{
		Scale:  a.scale,
		Latent: &cache.Latent{Query: a.Rope.Forward(s, qTurned, kv.Position()), Keys: &a.Keys, Values: &a.Values},
	}) // [B, H, L, dv]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

// project maps x [B, L, D] to the queries of all heads and to the latent beside
// the turned part of the keys.
func (a *deepseekV3Attention) project(s *mlx.Scope, x mlx.Array) (q, latent mlx.Array) {
	if a.Direct != nil {
		return nn.Two(a.Direct.Forward(s, x))
	}
	q, latent = nn.Two(a.Lowered.Forward(s, x))
	return a.QProj.Forward(s, a.QNorm.Forward(s, q)), latent
}

type deepseekV3MoE struct {
	Gate    nn.GroupGate `weight:"gate"`
	Experts nn.SwitchGLU `weight:"switch_mlp"`
	Shared  *gatedMLP    `weight:"shared_experts"` // nil for none
}

func newDeepseekV3MoE(d int, c *expertConfig) *deepseekV3MoE {
	m := &deepseekV3MoE{
		Gate:    c.gate(d),
		Experts: nn.NewSwitchGLU(c.NRoutedExperts, d, c.MoeIntermediateSize),
	}
	if c.NSharedExperts > 0 {
		m.Shared = newGatedMLP(d, c.MoeIntermediateSize*c.NSharedExperts, false, (*nn.Fused).SwiGLU)
	}
	return m
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *deepseekV3MoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	experts, weights := m.Gate.Forward(s, x)                  // [B, L, K] each
	y := nn.Mix(s, m.Experts.Forward(s, x, experts), weights) // [B, L, D]
	if m.Shared == nil {
		return y
	}
	return s.Add(y, m.Shared.Forward(s, x))
}

// newFeedForward makes that of a layer: dense, hidden within, or sparse.
func newFeedForward(layer, d, hidden int, c *expertConfig) mlpLayer {
	if c.sparse(layer) {
		return newDeepseekV3MoE(d, c)
	}
	return newGatedMLP(d, hidden, false, (*nn.Fused).SwiGLU)
}

func newDeepseekV3(c *DeepseekV3Config) architecture { return newLatentDecoder(c, true) }

// newLatentDecoder makes the model; repack packs the halves of a packed kv_b_proj
// again, as mlx-lm does.
func newLatentDecoder(c *DeepseekV3Config, repack bool) *decoder {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	m.stored = func(w nn.Weights) nn.Weights {
		w = c.ownLayers(w, c.NumHiddenLayers)
		return nn.SplitLatent(w, c.NumAttentionHeads, c.QKNopeHeadDim, c.VHeadDim, c.KVLoraRank, repack)
	}
	for i := range c.NumHiddenLayers {
		mlp := newFeedForward(i, c.HiddenSize, c.IntermediateSize, &c.expertConfig)
		m.add(newBlock(c.HiddenSize, c.RMSNormEps, newDeepseekV3Attention(c), mlp), cache.Full())
	}
	return m
}
