package models

// Qwen3.5 with experts. Reference: mlx_lm/models/qwen3_5_moe.py.

import "forge.lthn.ai/core/go-mlx/models/nn"

// Qwen3_5MoeTextConfig is config.json of model_type "qwen3_5_moe_text", and
// text_config of "qwen3_5_moe".
type Qwen3_5MoeTextConfig struct {
	qwenDeltaConfig
	qwenSparseConfig
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen3_5MoeTextConfig) normalize() error {
	if err := c.qwenSparseConfig.normalize(); err != nil {
		return err
	}
	return c.qwenDeltaConfig.normalize()
}

func newQwen3_5MoeText(c *Qwen3_5MoeTextConfig) architecture {
	d := &c.qwenDeltaConfig
	m := newQwenDelta(d,
		func() qwenDeltaNet { return newQwen3_5DeltaNet(d) },
		func(int) nn.Unary { return newQwenDeltaExperts(&c.qwenSparseConfig, c.HiddenSize) })
	m.gather = func(w nn.Weights) nn.Weights {
		w = nn.Rename(w, func(stored string) (string, bool) { return expertTensor(stored, "switch_mlp"), true })
		w = nn.Halve(w, "gate_up_proj", "gate_proj", "up_proj")
		return nn.StackExperts(w, c.NumExperts)
	}
	return m
}
