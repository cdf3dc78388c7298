package models

// Ministral 3: Mistral AI, 2025, https://mistral.ai/news/mistral-3. Reference:
// mlx_lm/models/ministral3.py. A Llama whose queries grow with their position
// beyond the context that it was first trained on, as those of Llama 4.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Ministral3Config is config.json of model_type "ministral3", and text_config of
// "mistral3".
type Ministral3Config struct{ LlamaConfig }

// normalize fills in what transformers' class has for missing fields, which files
// with a text_config leave out, and refuses what cannot be a model.
func (c *Ministral3Config) normalize() error {
	c.HiddenSize, c.NumHiddenLayers = orElse(c.HiddenSize, 4096), orElse(c.NumHiddenLayers, 34)
	c.IntermediateSize, c.VocabSize = orElse(c.IntermediateSize, 14336), orElse(c.VocabSize, 131072)
	c.NumAttentionHeads, c.NumKeyValueHeads = orElse(c.NumAttentionHeads, 32), orElse(c.NumKeyValueHeads, 8)
	c.HeadDim, c.RMSNormEps = orElse(c.HeadDim, 128), orElse(c.RMSNormEps, 1e-5)
	if c.RopeParameters == nil {
		mscale := 1.0
		c.RopeParameters = ropeParameters{"": {RopeTheta: 1e6, Llama4ScalingBeta: 0.1, RopeScaling: nn.RopeScaling{
			RopeType: "yarn", Factor: 16, OriginalMaxPositionEmbeddings: 16384, MScale: &mscale, MScaleAllDim: 1,
		}}}
	}
	c.slideAll()
	if err := c.LlamaConfig.normalize(); err != nil {
		return err
	}
	growth := c.queryGrowth()
	if err := growth.Validate(); err != nil {
		return fieldError("rope_parameters", "llama_4_scaling_beta and original_max_position_embeddings: %v", err)
	}
	return nil
}

// queryGrowth is by what queries grow.
func (c *Ministral3Config) queryGrowth() nn.PositionScale {
	settings := c.RopeParameters[""]
	if settings == nil {
		return nn.PositionScale{}
	}
	return nn.PositionScale{Beta: settings.Llama4ScalingBeta, Context: settings.OriginalMaxPositionEmbeddings}
}

type ministral3Attention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Rope  nn.RoPE   `weight:""`

	heads, kvHeads, dim int
	growth              nn.PositionScale // of the queries
	attend              cache.Attention
}

func newMinistral3Attention(c *Ministral3Config, layerType string) *ministral3Attention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &ministral3Attention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}, NoBias: true},
		OProj: nn.Linear{In: q, Out: d, NoBias: true},
		Rope:  c.rope(layerType, c.HeadDim, 1e6),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
		growth: c.queryGrowth(),
		attend: cache.Attention{Scale: float32(1 / math.Sqrt(float64(c.HeadDim)))},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *ministral3Attention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	q, k, v := nn.Three(a.QKV.Heads(s, x, a.dim, a.heads, a.kvHeads, a.kvHeads)) // [B, H, L, d] each
	q = a.Rope.Forward(s, q, kv.Position())
	k = a.Rope.Forward(s, k, kv.Position())
	q = a.growth.Forward(s, q, kv.Position())
	out := kv.Attend(s, q, k, v, a.attend)           // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

func newMinistral3(c *Ministral3Config) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newMinistral3Attention(c, t), newLlamaMLP(&c.LlamaConfig)))
	}
	return m
}
