package models

// Qwen1.5-MoE and Qwen2-MoE: Qwen Team, 2024, https://arxiv.org/abs/2407.10671.
// Reference: mlx_lm/models/qwen2_moe.py; for norm_topk_prob, decoder_sparse_step and
// mlp_only_layers, which it leaves alone, transformers' modeling_qwen2_moe.py. A
// Qwen2 whose MLPs are mixtures of experts, with one that every token goes through.

import "forge.lthn.ai/core/go-mlx/models/nn"

// Qwen2MoEConfig is config.json of model_type "qwen2_moe".
type Qwen2MoEConfig struct {
	Qwen2Config
	qwenSparseConfig
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen2MoEConfig) normalize() error {
	if err := c.qwenSparseConfig.normalize(); err != nil {
		return err
	}
	return c.Qwen2Config.normalize()
}

func newQwen2MoE(c *Qwen2MoEConfig) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for i, t := range c.LayerTypes {
		var mlp mlpLayer = newLlamaMLP(&c.LlamaConfig)
		if c.sparse(i) {
			experts := newQwenDeltaExperts(&c.qwenSparseConfig, c.HiddenSize)
			experts.choose, experts.normalised = nn.TopKNegated, valueOr(c.NormTopkProb, false)
			mlp = experts
		}
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newQwen2Attention(&c.LlamaConfig, t), mlp))
	}
	m.stored = func(w nn.Weights) nn.Weights { return nn.StackExperts(w, c.NumExperts) }
	return m
}
