package models

// Qwen2: Qwen Team, 2024, https://arxiv.org/abs/2407.10671, and Qwen2.5. Reference:
// mlx_lm/models/qwen2.py; for use_sliding_window, which it leaves alone,
// transformers' configuration_qwen2.py. A Llama whose queries, keys and values
// have biases.

// Qwen2Config is config.json of model_type "qwen2".
type Qwen2Config struct {
	LlamaConfig
	UseSlidingWindow bool `json:"use_sliding_window"`
	MaxWindowLayers  *int `json:"max_window_layers"` // the layers from here on slide
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen2Config) normalize() error {
	c.AttentionBias = true
	return c.normalizeWindows(1e6)
}

// normalizeWindows is normalize of Qwen2 and 3, which differ in their biases.
func (c *Qwen2Config) normalizeWindows(theta float64) error {
	c.RopeTheta = orElse(c.RopeTheta, theta)
	if !c.UseSlidingWindow {
		c.SlidingWindow = nil
	}
	if c.LayerTypes == nil && c.SlidingWindow != nil {
		from := valueOr(c.MaxWindowLayers, 28)
		c.LayerTypes = layersWhere(c.NumHiddenLayers, func(i int) bool { return i >= from })
	}
	return c.LlamaConfig.normalize()
}

func newQwen2(c *Qwen2Config) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newQwen2Attention(&c.LlamaConfig, t), newLlamaMLP(&c.LlamaConfig)))
	}
	return m
}

// newQwen2Attention is Llama's with biases before it, and none behind.
func newQwen2Attention(c *LlamaConfig, layerType string) *llamaAttention {
	attention := newLlamaAttention(c, layerType)
	attention.OProj.NoBias = true
	return attention
}
