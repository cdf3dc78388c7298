package models

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// DeepseekV3Config is config.json of model_type "deepseek_v3" and "kimi_k2".
type DeepseekV3Config struct {
	ropeConfig
	expertConfig
	HiddenSize        int     `json:"hidden_size"`
	NumHiddenLayers   int     `json:"num_hidden_layers"`
	IntermediateSize  int     `json:"intermediate_size"`
	NumAttentionHeads int     `json:"num_attention_heads"`
	VocabSize         int     `json:"vocab_size"`
	RMSNormEps        float32 `json:"rms_norm_eps"`
	TieWordEmbeddings bool    `json:"tie_word_embeddings"`
	AttentionBias     bool    `json:"attention_bias"`
	QLoraRank         int     `json:"q_lora_rank"` // 0 or null: queries have no latent
	KVLoraRank        int     `json:"kv_lora_rank"`
	QKNopeHeadDim     int     `json:"qk_nope_head_dim"`
	QKRopeHeadDim     int     `json:"qk_rope_head_dim"`
	VHeadDim          int     `json:"v_head_dim"`
	RopeInterleave    *bool   `json:"rope_interleave"` // true without
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *DeepseekV3Config) normalize() error { return c.normalizeFor("noaux_tc") }

// normalizeFor is normalize of a family whose experts are chosen by method.
func (c *DeepseekV3Config) normalizeFor(method string) error {
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-6)
	err := checkSizes(sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"intermediate_size", c.IntermediateSize},
		{"num_attention_heads", c.NumAttentionHeads}, {"vocab_size", c.VocabSize}, {"kv_lora_rank", c.KVLoraRank},
		{"q_lora_rank", orElse(c.QLoraRank, 1)}, {"qk_nope_head_dim", c.QKNopeHeadDim}, {"qk_rope_head_dim", c.QKRopeHeadDim},
		{"v_head_dim", c.VHeadDim},
	})
	if err != nil {
		return err
	}
	if c.QKRopeHeadDim%2 != 0 {
		return fieldError("qk_rope_head_dim", "%d is odd", c.QKRopeHeadDim)
	}
	if err := c.expertConfig.normalize(method); err != nil {
		return err
	}
	rope := c.layerRope()
	return rope.Validate()
}

// layerRope turns a part of each head, in neighbouring pairs.
func (c *DeepseekV3Config) layerRope() nn.RoPE {
	rope := c.rope("", c.QKRopeHeadDim, 10000)
	rope.Traditional = c.RopeInterleave == nil || *c.RopeInterleave
	return rope
}

// attentionScale is that of whole heads, which a rope scaling sharpens.
func (c *DeepseekV3Config) attentionScale() float32 {
	rope := c.layerRope()
	return float32(rope.Scaling.AttentionScale(1 / math.Sqrt(float64(c.QKNopeHeadDim+c.QKRopeHeadDim))))
}
