package models

// decoderConfig are the sizes that config.json of nearly every architecture has.
type decoderConfig struct {
	HiddenSize        int     `json:"hidden_size"`
	NumHiddenLayers   int     `json:"num_hidden_layers"`
	IntermediateSize  int     `json:"intermediate_size"`
	NumAttentionHeads int     `json:"num_attention_heads"`
	NumKeyValueHeads  int     `json:"num_key_value_heads"`
	HeadDim           int     `json:"head_dim"`
	VocabSize         int     `json:"vocab_size"`
	RMSNormEps        float32 `json:"rms_norm_eps"`
}

// fillHeads takes a head of keys for each of queries, and the width of a head from
// that of the model, where the file does not say.
func (c *decoderConfig) fillHeads() {
	c.NumKeyValueHeads = orElse(c.NumKeyValueHeads, c.NumAttentionHeads)
	if c.HeadDim == 0 && c.NumAttentionHeads > 0 {
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	}
}

// check refuses sizes that no model has, before anything is allocated.
func (c *decoderConfig) check() error {
	err := checkSizes(sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"intermediate_size", c.IntermediateSize},
		{"num_attention_heads", c.NumAttentionHeads}, {"num_key_value_heads", c.NumKeyValueHeads}, {"head_dim", c.HeadDim},
		{"vocab_size", c.VocabSize},
	})
	if err != nil {
		return err
	}
	return c.checkHeads()
}

// checkHeads refuses heads of queries that do not share those of keys evenly.
func (c *decoderConfig) checkHeads() error {
	if c.NumAttentionHeads%c.NumKeyValueHeads != 0 {
		return fieldError("num_key_value_heads", "%d does not divide num_attention_heads %d", c.NumKeyValueHeads, c.NumAttentionHeads)
	}
	return nil
}
