package models

import (
	"fmt"
	"math"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// DeepseekV3Config is config.json of model_type "deepseek_v3" and "kimi_k2".
type DeepseekV3Config struct {
	ropeConfig
	HiddenSize        int     `json:"hidden_size"`
	NumHiddenLayers   int     `json:"num_hidden_layers"`
	IntermediateSize  int     `json:"intermediate_size"`
	NumAttentionHeads int     `json:"num_attention_heads"`
	VocabSize         int     `json:"vocab_size"`
	RMSNormEps        float32 `json:"rms_norm_eps"`
	TieWordEmbeddings bool    `json:"tie_word_embeddings"`
	AttentionBias     bool    `json:"attention_bias"`

	// Attention.
	QLoraRank      int   `json:"q_lora_rank"` // 0 or null: queries have no latent
	KVLoraRank     int   `json:"kv_lora_rank"`
	QKNopeHeadDim  int   `json:"qk_nope_head_dim"`
	QKRopeHeadDim  int   `json:"qk_rope_head_dim"`
	VHeadDim       int   `json:"v_head_dim"`
	RopeInterleave *bool `json:"rope_interleave"` // true without

	// Experts.
	MoeIntermediateSize   int     `json:"moe_intermediate_size"`
	NRoutedExperts        int     `json:"n_routed_experts"` // 0 or null: every layer is dense
	NSharedExperts        int     `json:"n_shared_experts"`
	NumExpertsPerTok      int     `json:"num_experts_per_tok"`
	FirstKDenseReplace    int     `json:"first_k_dense_replace"`
	MoeLayerFreq          int     `json:"moe_layer_freq"`
	NGroup                int     `json:"n_group"`
	TopkGroup             int     `json:"topk_group"`
	RoutedScalingFactor   float64 `json:"routed_scaling_factor"`
	NormTopkProb          *bool   `json:"norm_topk_prob"` // true without
	TopkMethod            string  `json:"topk_method"`
	ScoringFunc           string  `json:"scoring_func"`
	NumNextnPredictLayers *int    `json:"num_nextn_predict_layers"` // 1 without
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *DeepseekV3Config) normalize() error {
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-6)
	if c.NumNextnPredictLayers == nil {
		one := 1
		c.NumNextnPredictLayers = &one
	}
	err := checkSizes(sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"intermediate_size", c.IntermediateSize},
		{"num_attention_heads", c.NumAttentionHeads}, {"vocab_size", c.VocabSize}, {"kv_lora_rank", c.KVLoraRank},
		{"q_lora_rank", orElse(c.QLoraRank, 1)}, {"qk_nope_head_dim", c.QKNopeHeadDim}, {"qk_rope_head_dim", c.QKRopeHeadDim},
		{"v_head_dim", c.VHeadDim}, {"num_nextn_predict_layers", *c.NumNextnPredictLayers + 1},
	})
	if err != nil {
		return err
	}
	if c.QKRopeHeadDim%2 != 0 {
		return fieldError("qk_rope_head_dim", "%d is odd", c.QKRopeHeadDim)
	}
	if c.NRoutedExperts != 0 {
		if err := c.normalizeExperts(); err != nil {
			return err
		}
	}
	rope := c.layerRope()
	return rope.Validate()
}

func (c *DeepseekV3Config) normalizeExperts() error {
	c.NGroup, c.TopkGroup = orElse(c.NGroup, 1), orElse(c.TopkGroup, 1)
	c.NumExpertsPerTok, c.MoeLayerFreq = orElse(c.NumExpertsPerTok, 1), orElse(c.MoeLayerFreq, 1)
	err := checkSizes(sizes{
		{"n_routed_experts", c.NRoutedExperts}, {"moe_intermediate_size", c.MoeIntermediateSize},
		{"n_shared_experts", orElse(c.NSharedExperts, 1)}, {"num_experts_per_tok", c.NumExpertsPerTok},
		{"n_group", c.NGroup}, {"topk_group", c.TopkGroup}, {"moe_layer_freq", c.MoeLayerFreq},
		{"first_k_dense_replace", c.FirstKDenseReplace + 1},
	})
	switch {
	case err != nil:
		return err
	case orElse(c.TopkMethod, "noaux_tc") != "noaux_tc":
		return fieldError("topk_method", "%q; only noaux_tc is supported", c.TopkMethod)
	case orElse(c.ScoringFunc, "sigmoid") != "sigmoid":
		return fieldError("scoring_func", "%q; only sigmoid is supported", c.ScoringFunc)
	case c.NRoutedExperts%c.NGroup != 0:
		return fieldError("n_group", "%d does not divide n_routed_experts %d", c.NGroup, c.NRoutedExperts)
	case c.TopkGroup > c.NGroup:
		return fieldError("topk_group", "%d of n_group %d", c.TopkGroup, c.NGroup)
	}
	group := c.NRoutedExperts / c.NGroup
	switch {
	case c.TopkGroup < c.NGroup && group < 2:
		return fieldError("n_group", "%d: a group of n_routed_experts %d needs two to be measured by", c.NGroup, c.NRoutedExperts)
	case c.NumExpertsPerTok > c.TopkGroup*group:
		return fieldError("num_experts_per_tok", "%d, of %d that topk_group leaves", c.NumExpertsPerTok, c.TopkGroup*group)
	}
	return nil
}

// sparse tells whether a layer has experts.
func (c *DeepseekV3Config) sparse(layer int) bool {
	return c.NRoutedExperts > 0 && layer >= c.FirstKDenseReplace && layer%c.MoeLayerFreq == 0
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

// predicts tells whether a tensor is of a layer behind the model's own, by which
// DeepSeek-V3 was trained to predict further tokens.
func (c *DeepseekV3Config) predicts(name string) bool {
	rest, found := strings.CutPrefix(name, "model.layers.")
	var layer int
	if _, err := fmt.Sscanf(rest, "%d.", &layer); !found || err != nil {
		return false
	}
	return layer >= c.NumHiddenLayers && layer < c.NumHiddenLayers+*c.NumNextnPredictLayers
}
