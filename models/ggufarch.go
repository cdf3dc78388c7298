package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ggufArch says how a file of one of llama.cpp's architectures is read as a
// checkpoint.
type ggufArch struct {
	modelType string         // of config.json
	keys      []ggufKey      // of the metadata, beside ggufKeys
	fixed     map[string]any // fields of config.json that no file says
	// more sets what a key alone does not tell.
	more func(c *ggufConfig) error
	// names translates tensors of a layer, before ggufNames does.
	names map[string]string
	// pairs marks a converter that reorders the rows of q and k for rotation by
	// pairs of neighbours.
	pairs bool
	// shifted marks a converter that adds 1 to the weights of norms.
	shifted bool
	dtype   mlx.Dtype // to compute in, on a GPU
}

// ggufArchs is the table of architectures, by general.architecture.
var ggufArchs = map[string]*ggufArch{
	"llama": {modelType: "llama", pairs: true, dtype: mlx.Float16},
	"qwen2": {modelType: "qwen2", dtype: mlx.BFloat16},
	"qwen3": {modelType: "qwen3", dtype: mlx.BFloat16, names: ggufQKNorm},
	"qwen3moe": {
		modelType: "qwen3_moe", dtype: mlx.BFloat16, names: merged(ggufQKNorm, ggufExperts("mlp.gate", "mlp.switch_mlp")),
		keys: []ggufKey{
			{"num_experts", "%s.expert_count", ggufInt, true},
			{"num_experts_per_tok", "%s.expert_used_count", ggufInt, true},
			{"moe_intermediate_size", "%s.expert_feed_forward_length", ggufInt, true},
		},
		fixed: map[string]any{"norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": []int{}},
	},
	"gemma2": {
		modelType: "gemma2", dtype: mlx.BFloat16, shifted: true, names: ggufSandwich, more: gemma2Config,
		keys: []ggufKey{
			{"attn_logit_softcapping", "%s.attn_logit_softcapping", ggufFloat, false},
			{"final_logit_softcapping", "%s.final_logit_softcapping", ggufFloat, false},
			{"sliding_window", "%s.attention.sliding_window", ggufInt, false},
		},
		fixed: map[string]any{"hidden_activation": "gelu_pytorch_tanh"},
	},
	"gemma3": {
		modelType: "gemma3_text", dtype: mlx.BFloat16, shifted: true, names: merged(ggufSandwich, ggufQKNorm), more: gemma3Config,
		keys: []ggufKey{
			{"final_logit_softcapping", "%s.final_logit_softcapping", ggufFloat, false},
			{"sliding_window", "%s.attention.sliding_window", ggufInt, false},
			{"sliding_window_pattern", "%s.attention.sliding_window_pattern", ggufInt, false},
			{"rope_local_base_freq", "%s.rope.freq_base_swa", ggufFloat, false},
		},
		fixed: map[string]any{"hidden_activation": "gelu_pytorch_tanh"},
	},
	"phi3": {
		modelType: "phi3", dtype: mlx.BFloat16, more: phi3Config,
		names: map[string]string{"attn_qkv": "self_attn.qkv_proj", "ffn_up": "mlp.gate_up_proj"},
		keys:  []ggufKey{{"sliding_window", "%s.attention.sliding_window", ggufInt, false}},
	},
	"gpt-oss": {
		modelType: "gpt_oss", dtype: mlx.BFloat16, more: gptOssConfig,
		names: merged(ggufExperts("mlp.router", "mlp.experts"), map[string]string{
			"attn_sinks.weight": "self_attn.sinks", "post_attention_norm": "post_attention_layernorm",
		}),
		keys: []ggufKey{
			{"num_local_experts", "%s.expert_count", ggufInt, true},
			{"num_experts_per_tok", "%s.expert_used_count", ggufInt, true},
			{"intermediate_size", "%s.expert_feed_forward_length", ggufInt, true},
			{"sliding_window", "%s.attention.sliding_window", ggufInt, true},
		},
	},
}

// ggufMixtral is a llama with experts.
var ggufMixtral = &ggufArch{
	modelType: "mixtral", pairs: true, dtype: mlx.BFloat16, names: ggufExperts("block_sparse_moe.gate", "block_sparse_moe.switch_mlp"),
	keys: []ggufKey{
		{"num_local_experts", "%s.expert_count", ggufInt, true},
		{"num_experts_per_tok", "%s.expert_used_count", ggufInt, true},
	},
}

// ggufArchOf finds a file's architecture.
func ggufArchOf(f *gguf.File) (string, *ggufArch, error) {
	name, err := f.String("general.architecture")
	if err != nil {
		return "", nil, err
	}
	arch, ok := ggufArchs[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(ggufArchs)), ", ")
		return "", nil, fmt.Errorf("%s: general.architecture: %w %q; known: %s", f.Name(), ErrUnknownArchitecture, name, known)
	}
	if name != "llama" {
		return name, arch, nil
	}
	experts, err := optional(f.Int("llama.expert_count"))
	if experts > 0 {
		arch = ggufMixtral
	}
	return name, arch, err
}

// gemma2Config knows what llama.cpp knows: the window and the scale of attention.
func gemma2Config(c *ggufConfig) error {
	c.setDefault("sliding_window", 4096)
	return c.queryScale(46)
}

// gemma3Config adds the layers' kinds: five with a window, one without. Layers
// with a window turn by a base of their own.
func gemma3Config(c *ggufConfig) error {
	c.setDefault("sliding_window_pattern", int64(6))
	if c.int("sliding_window") == 0 {
		c.fields["sliding_window_pattern"] = int64(1)
		c.fields["sliding_window"] = c.fields["max_position_embeddings"]
	}
	c.setDefault("rope_local_base_freq", 10000.0)
	return c.queryScale(62)
}

// queryScale sets query_pre_attn_scalar, which files do not say: the features of
// a head, but for the models of 27B, which have that many layers.
func (c *ggufConfig) queryScale(layers int64) error {
	scalar := c.headDim()
	if c.fields["num_hidden_layers"] == layers {
		scalar = c.int("hidden_size") / max(c.int("num_attention_heads"), 1)
	}
	c.fields["query_pre_attn_scalar"] = scalar
	return nil
}

// phi3Config turns the rotated features into a share of a head. A window of 0 is
// none.
func phi3Config(c *ggufConfig) error {
	if c.int("sliding_window") == 0 {
		delete(c.fields, "sliding_window")
	}
	dims, err := c.optionalInt("%s.rope.dimension_count")
	if err != nil {
		return err
	}
	if head := c.headDim(); dims > 0 && head > 0 && dims != head {
		c.fields["partial_rotary_factor"] = float64(dims) / float64(head)
	}
	return nil
}

// gptOssConfig adds the layers' kinds, which alternate, and the names that other
// writers of config.json use.
func gptOssConfig(c *ggufConfig) error {
	kinds := make([]string, min(max(c.int("num_hidden_layers"), 0), maxLayers))
	for i := range kinds {
		kinds[i] = []string{"sliding_attention", "full_attention"}[i%2]
	}
	c.fields["layer_types"] = kinds
	c.fields["experts_per_token"] = c.fields["num_experts_per_tok"]
	c.fields["swiglu_limit"] = 7.0
	return nil
}
