package models

// Gemma 3: Gemma Team, 2025, https://arxiv.org/abs/2503.19786. Reference:
// mlx_lm/models/gemma3_text.py; for layer_types and rope_parameters, which it does
// not read, transformers' modeling_gemma3.py.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Gemma3TextConfig is config.json of model_type "gemma3_text", and text_config of
// "gemma3".
type Gemma3TextConfig struct {
	gemmaConfig
	SlidingWindowPattern      int     `json:"sliding_window_pattern"`
	RopeLocalBaseFreq         float64 `json:"rope_local_base_freq"`
	UseBidirectionalAttention bool    `json:"use_bidirectional_attention"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Gemma3TextConfig) normalize() error {
	if err := c.gemmaConfig.normalize(262208, orElse(c.SlidingWindowPattern, 6)); err != nil {
		return err
	}
	if c.UseBidirectionalAttention {
		return fieldError("use_bidirectional_attention", "only causal attention is supported")
	}
	for _, t := range []string{fullAttention, slidingAttention} {
		rope := c.rope(t)
		if err := rope.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// rope makes the positions of a layer: those of the window turn faster, and
// rope_scaling is for the others.
func (c *Gemma3TextConfig) rope(layerType string) nn.RoPE {
	if layerType == fullAttention {
		return c.ropeConfig.rope(layerType, c.HeadDim, 1e6)
	}
	local := ropeConfig{RopeTheta: c.RopeLocalBaseFreq, MaxPositionEmbeddings: c.MaxPositionEmbeddings}
	if own, ok := c.RopeParameters[layerType]; ok {
		local.RopeParameters = ropeParameters{layerType: own}
	}
	return local.rope(layerType, c.HeadDim, 10000)
}

type gemma3Attention struct {
	QKV   nn.Fused   `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear  `weight:"o_proj"`
	QNorm nn.RMSNorm `weight:"q_norm"`
	KNorm nn.RMSNorm `weight:"k_norm"`
	Rope  nn.RoPE    `weight:""`

	heads, kvHeads, dim int
	attend              cache.Attention
}

func newGemma3Attention(c *Gemma3TextConfig, layerType string) *gemma3Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &gemma3Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: !c.AttentionBias},
		OProj: nn.Linear{In: q, Out: d, NoBias: !c.AttentionBias},
		QNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps, Zero: true},
		KNorm: nn.RMSNorm{Dims: c.HeadDim, Eps: c.RMSNormEps, Zero: true},
		Rope:  c.rope(layerType),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		attend: c.attention(),
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *gemma3Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Norm(s, &a.QNorm, &a.KNorm)
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	out := cache.Attend(s, kv, qkv, a.attend)        // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newGemma3Text(c *Gemma3TextConfig) architecture {
	attention := func(layerType string) attentionLayer { return newGemma3Attention(c, layerType) }
	return newGemma(&c.gemmaConfig, attention, gemma3EmbedScale(c.HiddenSize))
}

// gemma3EmbedScale is sqrt(hidden) in the precision that Gemma 3 was trained in.
func gemma3EmbedScale(hidden int) float64 {
	return float64(mlx.BF16FromFloat64(math.Sqrt(float64(hidden))).Float32())
}
