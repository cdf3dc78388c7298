package models

import (
	"slices"
	"strconv"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// Gemma4TextConfig is config.json of model_type "gemma4_text", and text_config of
// "gemma4". What is missing is as in transformers' configuration_gemma4.py.
type Gemma4TextConfig struct {
	ropeConfig
	HiddenSize              int      `json:"hidden_size"`
	NumHiddenLayers         int      `json:"num_hidden_layers"`
	IntermediateSize        int      `json:"intermediate_size"`
	NumAttentionHeads       int      `json:"num_attention_heads"`
	NumKeyValueHeads        int      `json:"num_key_value_heads"`
	NumGlobalKeyValueHeads  int      `json:"num_global_key_value_heads"` // of full layers where keys are values
	HeadDim                 int      `json:"head_dim"`
	GlobalHeadDim           int      `json:"global_head_dim"` // of full layers
	VocabSize               int      `json:"vocab_size"`
	VocabSizePerLayerInput  int      `json:"vocab_size_per_layer_input"`
	HiddenSizePerLayerInput *int     `json:"hidden_size_per_layer_input"` // 0 for none
	NumKVSharedLayers       int      `json:"num_kv_shared_layers"`        // the last ones have no keys and values of their own
	AttentionKEqV           bool     `json:"attention_k_eq_v"`            // the values of full layers are the keys
	UseDoubleWideMLP        bool     `json:"use_double_wide_mlp"`         // of layers that share
	EnableMoEBlock          bool     `json:"enable_moe_block"`
	NumExperts              int      `json:"num_experts"`
	TopKExperts             int      `json:"top_k_experts"`
	MoEIntermediateSize     int      `json:"moe_intermediate_size"`
	RMSNormEps              float32  `json:"rms_norm_eps"`
	HiddenActivation        string   `json:"hidden_activation"`
	SlidingWindow           int      `json:"sliding_window"`
	SlidingWindowPattern    int      `json:"sliding_window_pattern"`
	LayerTypes              []string `json:"layer_types"`
	FinalLogitSoftcapping   float32  `json:"final_logit_softcapping"`
	AttentionBias           bool     `json:"attention_bias"`
	UseBidirectionalAttn    string   `json:"use_bidirectional_attention"`
	TieWordEmbeddings       *bool    `json:"tie_word_embeddings"`
	// PerLayerConfig holds, by the number of a layer, what is otherwise there. Newer
	// files have it in place of the two global fields.
	PerLayerConfig map[string]gemma4Heads `json:"per_layer_config"`
}

// gemma4Heads are the sizes in which layers differ.
type gemma4Heads struct {
	HeadDim          int `json:"head_dim"`
	NumKeyValueHeads int `json:"num_key_value_heads"`
}

// gemma4Ropes are the positions where the configuration has none.
var gemma4Ropes = ropeParameters{
	fullAttention:    {RopeScaling: nn.RopeScaling{RopeType: "proportional", PartialRotaryFactor: 0.25}, RopeTheta: 1e6},
	slidingAttention: {RopeTheta: 10000},
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Gemma4TextConfig) normalize() (err error) {
	c.fillIn()
	if err := c.checkSizes(); err != nil {
		return err
	}
	if c.LayerTypes, err = layerTypes(c.LayerTypes, c.NumHiddenLayers, orElse(c.SlidingWindowPattern, 6)); err != nil {
		return err
	}
	for i := range c.LayerTypes {
		if err := c.checkLayer(i); err != nil {
			return err
		}
	}
	if c.UseBidirectionalAttn == "all" {
		return fieldError("use_bidirectional_attention", "only causal attention is supported")
	}
	if err := checkSoftcap("final_logit_softcapping", c.FinalLogitSoftcapping); err != nil {
		return err
	}
	return checkActivation(c.HiddenActivation)
}

func (c *Gemma4TextConfig) fillIn() {
	c.HiddenSize, c.NumHiddenLayers = orElse(c.HiddenSize, 2304), orElse(c.NumHiddenLayers, 30)
	c.IntermediateSize, c.VocabSize = orElse(c.IntermediateSize, 9216), orElse(c.VocabSize, 262144)
	c.NumAttentionHeads, c.NumKeyValueHeads = orElse(c.NumAttentionHeads, 8), orElse(c.NumKeyValueHeads, 4)
	c.HeadDim, c.GlobalHeadDim = orElse(c.HeadDim, 256), orElse(c.GlobalHeadDim, 512)
	c.NumGlobalKeyValueHeads = orElse(c.NumGlobalKeyValueHeads, c.NumKeyValueHeads)
	c.RMSNormEps, c.SlidingWindow = orElse(c.RMSNormEps, 1e-6), orElse(c.SlidingWindow, 512)
	c.VocabSizePerLayerInput = orElse(c.VocabSizePerLayerInput, 262144)
	if c.RopeParameters == nil {
		c.RopeParameters = gemma4Ropes
	}
}

// Gemma4UnifiedTextConfig is text_config of "gemma4_unified", Gemma 4 without
// towers beside it, embeddings of the layers' own and experts.
type Gemma4UnifiedTextConfig struct{ Gemma4TextConfig }

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Gemma4UnifiedTextConfig) normalize() error {
	if c.HiddenSizePerLayerInput == nil {
		c.HiddenSizePerLayerInput = new(int)
	}
	c.SlidingWindow = orElse(c.SlidingWindow, 1024)
	return c.Gemma4TextConfig.normalize()
}

func (c *Gemma4TextConfig) checkSizes() error {
	list := sizes{
		{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.NumHiddenLayers}, {"intermediate_size", c.IntermediateSize},
		{"num_attention_heads", c.NumAttentionHeads}, {"num_key_value_heads", c.NumKeyValueHeads},
		{"num_global_key_value_heads", c.NumGlobalKeyValueHeads}, {"head_dim", c.HeadDim}, {"global_head_dim", c.GlobalHeadDim},
		{"vocab_size", c.VocabSize}, {"vocab_size_per_layer_input", c.VocabSizePerLayerInput}, {"sliding_window", c.SlidingWindow},
	}
	if c.perLayer() != 0 {
		list = append(list, sizes{{"hidden_size_per_layer_input", c.perLayer()}}...)
	}
	if c.EnableMoEBlock {
		list = append(list, sizes{{"num_experts", c.NumExperts}, {"top_k_experts", c.TopKExperts}, {"moe_intermediate_size", c.MoEIntermediateSize}}...)
	}
	if err := checkSizes(list); err != nil {
		return err
	}
	switch {
	case c.NumKVSharedLayers < 0 || c.NumKVSharedLayers >= c.NumHiddenLayers:
		return fieldError("num_kv_shared_layers", "%d of %d layers", c.NumKVSharedLayers, c.NumHiddenLayers)
	case c.EnableMoEBlock && c.TopKExperts > c.NumExperts:
		return fieldError("top_k_experts", "%d of %d experts", c.TopKExperts, c.NumExperts)
	}
	return nil
}

// checkLayer refuses heads and positions that do not fit.
func (c *Gemma4TextConfig) checkLayer(i int) error {
	h := c.heads(i)
	if err := checkSizes(sizes{{"per_layer_config.head_dim", h.HeadDim}, {"per_layer_config.num_key_value_heads", h.NumKeyValueHeads}}); err != nil {
		return err
	}
	if c.NumAttentionHeads%h.NumKeyValueHeads != 0 {
		return fieldError("num_key_value_heads", "%d of layer %d does not divide num_attention_heads %d", h.NumKeyValueHeads, i, c.NumAttentionHeads)
	}
	if own := c.LayerTypes[:c.firstShared()]; !slices.Contains(own, c.LayerTypes[i]) {
		return fieldError("num_kv_shared_layers", "layer %d is the first %s, and has no keys and values", i, c.LayerTypes[i])
	}
	rope := c.rope(c.LayerTypes[i], h.HeadDim, 10000)
	return rope.Validate()
}

// perLayer is the width of a layer's own embedding; 0 for none.
func (c *Gemma4TextConfig) perLayer() int { return valueOr(c.HiddenSizePerLayerInput, 256) }

// firstShared is the first layer that has no keys and values of its own.
func (c *Gemma4TextConfig) firstShared() int { return c.NumHiddenLayers - c.NumKVSharedLayers }

// heads are the sizes of layer i.
func (c *Gemma4TextConfig) heads(i int) gemma4Heads {
	h := gemma4Heads{c.HeadDim, c.NumKeyValueHeads}
	switch full := c.LayerTypes[i] == fullAttention; {
	case c.PerLayerConfig != nil:
		own := c.PerLayerConfig[strconv.Itoa(i)]
		h = gemma4Heads{orElse(own.HeadDim, h.HeadDim), orElse(own.NumKeyValueHeads, h.NumKeyValueHeads)}
	case full && c.AttentionKEqV:
		h = gemma4Heads{c.GlobalHeadDim, c.NumGlobalKeyValueHeads}
	case full:
		h.HeadDim = c.GlobalHeadDim
	}
	return h
}

// mlpSize is the hidden width of layer i.
func (c *Gemma4TextConfig) mlpSize(i int) int {
	if c.UseDoubleWideMLP && i >= c.firstShared() {
		return 2 * c.IntermediateSize
	}
	return c.IntermediateSize
}

func (c *Gemma4TextConfig) norm() nn.RMSNorm {
	return nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps}
}
