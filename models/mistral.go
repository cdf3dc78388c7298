package models

// Mistral 7B: Jiang et al., 2023, https://arxiv.org/abs/2310.06825. Reference:
// mlx_lm/models/llama.py; for sliding_window, which it leaves alone without
// layer_types, transformers' modeling_mistral.py.

// MistralConfig is config.json of model_type "mistral", and text_config of
// "mistral3".
type MistralConfig struct{ LlamaConfig }

// normalize fills in what transformers' class has for missing fields, which files
// with a text_config leave out, and refuses what cannot be a model.
func (c *MistralConfig) normalize() error {
	c.HiddenSize, c.NumHiddenLayers = orElse(c.HiddenSize, 4096), orElse(c.NumHiddenLayers, 32)
	c.IntermediateSize, c.VocabSize = orElse(c.IntermediateSize, 14336), orElse(c.VocabSize, 32000)
	c.NumAttentionHeads, c.NumKeyValueHeads = orElse(c.NumAttentionHeads, 32), orElse(c.NumKeyValueHeads, 8)
	c.slideAll()
	return c.LlamaConfig.normalize()
}

// slideAll makes the window one of every layer, unless layer_types says otherwise.
func (c *LlamaConfig) slideAll() {
	if c.LayerTypes == nil && c.SlidingWindow != nil {
		c.LayerTypes = layersWhere(c.NumHiddenLayers, func(int) bool { return true })
	}
}

// newMistral makes a Llama: the graph is the same.
func newMistral(c *MistralConfig) architecture { return newLlama(&c.LlamaConfig) }
