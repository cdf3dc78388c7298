package models

// SmolLM3: Hugging Face, 2025, https://huggingface.co/blog/smollm3. Reference:
// mlx_lm/models/smollm3.py. A Llama that turns nothing in every fourth layer.

// SmolLM3Config is config.json of model_type "smollm3".
type SmolLM3Config struct {
	LlamaConfig
	NoRopeLayers        []int `json:"no_rope_layers"` // 0 for a layer that turns nothing, else 1
	NoRopeLayerInterval int   `json:"no_rope_layer_interval"`
	UseSlidingWindow    bool  `json:"use_sliding_window"`
}

// normalize fills in the defaults and refuses what cannot be a model. A window is
// one of the layers that turn nothing.
func (c *SmolLM3Config) normalize() error {
	c.RopeTheta = orElse(c.RopeTheta, 2e6)
	c.NoRopeLayerInterval = orElse(c.NoRopeLayerInterval, 4)
	err := checkSizes(sizes{{"num_hidden_layers", c.NumHiddenLayers}, {"no_rope_layer_interval", c.NoRopeLayerInterval}})
	if err != nil {
		return err
	}
	if c.NoRopeLayers == nil {
		for i := range c.NumHiddenLayers {
			c.NoRopeLayers = append(c.NoRopeLayers, min((i+1)%c.NoRopeLayerInterval, 1))
		}
	}
	if len(c.NoRopeLayers) != c.NumHiddenLayers {
		return fieldError("no_rope_layers", "%d entries for %d layers", len(c.NoRopeLayers), c.NumHiddenLayers)
	}
	if c.LayerTypes == nil && c.UseSlidingWindow && c.SlidingWindow != nil {
		c.LayerTypes = layersWhere(c.NumHiddenLayers, func(i int) bool { return c.NoRopeLayers[i] == 0 })
	}
	return c.LlamaConfig.normalize()
}

func newSmolLM3(c *SmolLM3Config) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for i, t := range c.LayerTypes {
		attention := newLlamaAttention(&c.LlamaConfig, t)
		if c.NoRopeLayers[i] == 0 {
			attention.Rope = nil
		}
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, attention, newLlamaMLP(&c.LlamaConfig)))
	}
	return m
}
