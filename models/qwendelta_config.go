package models

import (
	"slices"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// linearAttention is the value of config.json's layer_types for a gated delta net.
const linearAttention = "linear_attention"

// qwenDeltaConfig is what qwen3_next and qwen3_5 say alike.
type qwenDeltaConfig struct {
	ropeConfig
	decoderConfig
	TieWordEmbeddings     bool     `json:"tie_word_embeddings"`
	AttentionBias         bool     `json:"attention_bias"`
	AttnOutputGate        *bool    `json:"attn_output_gate"`
	OutputGateType        string   `json:"output_gate_type"`
	LayerTypes            []string `json:"layer_types"`
	FullAttentionInterval int      `json:"full_attention_interval"`
	LinearConvKernelDim   int      `json:"linear_conv_kernel_dim"`
	LinearKeyHeadDim      int      `json:"linear_key_head_dim"`
	LinearValueHeadDim    int      `json:"linear_value_head_dim"`
	LinearNumKeyHeads     int      `json:"linear_num_key_heads"`
	LinearNumValueHeads   int      `json:"linear_num_value_heads"`
}

// normalize fills in transformers' defaults and refuses what cannot be a model.
func (c *qwenDeltaConfig) normalize() error {
	c.NumKeyValueHeads = orElse(c.NumKeyValueHeads, c.NumAttentionHeads)
	c.HeadDim = orElse(c.HeadDim, 256)
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-6)
	c.PartialRotaryFactor = orElse(c.PartialRotaryFactor, 0.25)
	c.FullAttentionInterval = orElse(c.FullAttentionInterval, 4)
	c.LinearConvKernelDim = orElse(c.LinearConvKernelDim, 4)
	c.LinearKeyHeadDim, c.LinearValueHeadDim = orElse(c.LinearKeyHeadDim, 128), orElse(c.LinearValueHeadDim, 128)
	c.LinearNumKeyHeads, c.LinearNumValueHeads = orElse(c.LinearNumKeyHeads, 16), orElse(c.LinearNumValueHeads, 32)
	err := checkSizes(sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"num_attention_heads", c.NumAttentionHeads},
		{"intermediate_size", orElse(c.IntermediateSize, 1)}, // of dense layers, if there are any
		{"num_key_value_heads", c.NumKeyValueHeads}, {"head_dim", c.HeadDim}, {"vocab_size", c.VocabSize},
		{"full_attention_interval", c.FullAttentionInterval}, {"linear_conv_kernel_dim", c.LinearConvKernelDim},
		{"linear_key_head_dim", c.LinearKeyHeadDim}, {"linear_value_head_dim", c.LinearValueHeadDim},
		{"linear_num_key_heads", c.LinearNumKeyHeads}, {"linear_num_value_heads", c.LinearNumValueHeads},
	})
	if err != nil {
		return err
	}
	if err := c.checkAttention(); err != nil {
		return err
	}
	return c.fillLayerTypes()
}

// checkAttention refuses heads that do not divide and attention that is another.
func (c *qwenDeltaConfig) checkAttention() error {
	if err := c.checkHeads(); err != nil {
		return err
	}
	switch {
	case c.LinearNumValueHeads%c.LinearNumKeyHeads != 0:
		return fieldError("linear_num_key_heads", "%d does not divide linear_num_value_heads %d", c.LinearNumKeyHeads, c.LinearNumValueHeads)
	case c.LinearConvKernelDim < 2:
		return fieldError("linear_conv_kernel_dim", "%d, want at least 2", c.LinearConvKernelDim)
	case c.AttnOutputGate != nil && !*c.AttnOutputGate:
		return fieldError("attn_output_gate", "only attention with a gate is supported")
	case !slices.Contains([]string{"", "silu", "swish"}, c.OutputGateType):
		return fieldError("output_gate_type", "%q is not swish", c.OutputGateType)
	}
	rope := c.layerRope()
	if rope.Dims < 2 || rope.Dims > c.HeadDim || rope.Dims%2 != 0 {
		return fieldError("partial_rotary_factor", "turns %d of %d features, want an even number of them", rope.Dims, c.HeadDim)
	}
	return rope.Validate()
}

// fillLayerTypes makes every full_attention_interval-th layer attend, unless
// layer_types says which.
func (c *qwenDeltaConfig) fillLayerTypes() error {
	if c.LayerTypes == nil {
		for i := range c.NumHiddenLayers {
			kind := linearAttention
			if (i+1)%c.FullAttentionInterval == 0 {
				kind = fullAttention
			}
			c.LayerTypes = append(c.LayerTypes, kind)
		}
	}
	if len(c.LayerTypes) != c.NumHiddenLayers {
		return fieldError("layer_types", "%d types for %d layers", len(c.LayerTypes), c.NumHiddenLayers)
	}
	for i, t := range c.LayerTypes {
		if t != fullAttention && t != linearAttention {
			return fieldError("layer_types", "layer %d is %q, neither %s nor %s", i, t, fullAttention, linearAttention)
		}
	}
	return nil
}

// kinds are the caches of the layers.
func (c *qwenDeltaConfig) kinds() []cache.Kind {
	kinds := make([]cache.Kind, len(c.LayerTypes))
	for i, t := range c.LayerTypes {
		if t == linearAttention {
			kinds[i] = cache.Recurrent(nn.GatedDeltaStates)
		}
	}
	return kinds
}

// layerRope turns the first features of the heads of a layer that attends.
func (c *qwenDeltaConfig) layerRope() nn.RoPE { return c.rope("", c.HeadDim, 100000) }

// deltaNet is what a gated delta net has between its projections.
func (c *qwenDeltaConfig) deltaNet() nn.GatedDeltaNet {
	return nn.NewGatedDeltaNet(c.LinearNumKeyHeads, c.LinearKeyHeadDim, c.LinearNumValueHeads, c.LinearValueHeadDim, c.LinearConvKernelDim, c.RMSNormEps)
}
