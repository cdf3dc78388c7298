package models

import "forge.lthn.ai/core/go-mlx/models/nn"

// Qwen3.5 with experts. Reference: mlx_lm/models/qwen3_5_moe.py.

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
	m.gather = func(w nn.Weights) nn.Weights { return nn.StackExperts(nn.SplitExperts(w), c.NumExperts) }
	return m
}
