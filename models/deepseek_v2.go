package models

// DeepSeek-V2: DeepSeek-AI, 2024, https://arxiv.org/abs/2405.04434. Reference:
// mlx_lm/models/deepseek_v2.py, which keeps the keys and values of every head;
// here the cache keeps latents, as that of DeepSeek-V3 does. What differs from it
// is how experts are chosen: by a softmax, without a bias.

// DeepseekV2Config is config.json of model_type "deepseek_v2".
type DeepseekV2Config struct{ DeepseekV3Config }

// normalize fills in the defaults and refuses what cannot be a model.
func (c *DeepseekV2Config) normalize() error {
	if c.NormTopkProb == nil {
		c.NormTopkProb = new(bool)
	}
	return c.normalizeFor("greedy")
}

// newDeepseekV2 runs kv_b_proj as it is, as mlx-lm does.
func newDeepseekV2(c *DeepseekV2Config) architecture {
	return newLatentDecoder(&c.DeepseekV3Config, false)
}
