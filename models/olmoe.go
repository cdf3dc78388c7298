package models

// OLMoE: Muennighoff et al., 2024, https://arxiv.org/abs/2409.02060. Reference:
// mlx_lm/models/olmoe.py. A Llama with OLMo 2's attention whose MLPs are mixtures of
// experts.

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// OlmoeConfig is config.json of model_type "olmoe".
type OlmoeConfig struct {
	Olmo2Config
	NumExperts       int      `json:"num_experts"`
	NumExpertsPerTok int      `json:"num_experts_per_tok"`
	NormTopkProb     bool     `json:"norm_topk_prob"` // the weights of a token add up to 1
	ClipQKV          *float64 `json:"clip_qkv"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *OlmoeConfig) normalize() error {
	c.RopeTheta = orElse(c.RopeTheta, 10000)
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-5)
	if c.ClipQKV != nil {
		return fieldError("clip_qkv", "%v is not supported", *c.ClipQKV)
	}
	if err := checkExperts("num_experts", c.NumExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return c.Olmo2Config.normalize()
}

func newOlmoe(c *OlmoeConfig) architecture {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	for range c.NumHiddenLayers {
		attention := newOlmo2Attention(&c.Olmo2Config, c.layerRope(""))
		m.add(newBlock(c.HiddenSize, c.RMSNormEps, &attention, &qwen3MoE{
			Gate:      nn.Linear{In: c.HiddenSize, Out: c.NumExperts, NoBias: true},
			Experts:   nn.NewSwitchGLU(c.NumExperts, c.HiddenSize, c.IntermediateSize),
			topK:      c.NumExpertsPerTok,
			choose:    nn.TopKNegated,
			normalise: c.NormTopkProb,
		}), cache.Full())
	}
	m.stored = func(w nn.Weights) nn.Weights { return nn.StackExperts(w, c.NumExperts) }
	return m
}
