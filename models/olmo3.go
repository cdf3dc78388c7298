package models

// Olmo 3: OLMo team, 2025, https://arxiv.org/abs/2512.13961. Reference:
// mlx_lm/models/olmo3.py. It is OLMo 2 with three sliding layers for each full
// one; a rope scaling is for the full ones.

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// Olmo3Config is config.json of model_type "olmo3".
type Olmo3Config struct {
	Olmo2Config
	SlidingWindow int      `json:"sliding_window"`
	LayerTypes    []string `json:"layer_types"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Olmo3Config) normalize() error {
	if err := c.Olmo2Config.normalize(); err != nil {
		return err
	}
	c.SlidingWindow = orElse(c.SlidingWindow, 4096)
	if err := checkSizes(sizes{{"sliding_window", c.SlidingWindow}}); err != nil {
		return err
	}
	var err error
	if c.LayerTypes, err = layerTypes(c.LayerTypes, c.NumHiddenLayers, 4); err != nil {
		return err
	}
	for _, t := range c.LayerTypes {
		if rope := c.layerRope(t); rope.Validate() != nil {
			return rope.Validate()
		}
	}
	return nil
}

// layerRope turns the heads of layers of a type. Sliding layers have a scaling
// only where rope_parameters gives one to them.
func (c *Olmo3Config) layerRope(layerType string) nn.RoPE {
	rope := c.Olmo2Config.layerRope(layerType)
	if layerType == slidingAttention && c.RopeParameters[layerType] == nil {
		rope.Scaling = nil
	}
	return rope
}

func newOlmo3(c *Olmo3Config) architecture {
	m := newDecoder(c.VocabSize, c.HiddenSize, c.RMSNormEps, &c.TieWordEmbeddings)
	for _, t := range c.LayerTypes {
		kind := cache.Full()
		if t == slidingAttention {
			kind = cache.Sliding(c.SlidingWindow)
		}
		m.add(newOlmo2Block(&c.Olmo2Config, c.layerRope(t)), kind)
	}
	return m
}
