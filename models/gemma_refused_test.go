package models

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var gemmaSizes = []string{
	"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "sliding_window",
}

var gemmaRefused = []badField{
	{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
	{"query_pre_attn_scalar", -1, "query_pre_attn_scalar: -1 is not positive"},
	{"hidden_activation", "relu", `hidden_activation: "relu" is not gelu_pytorch_tanh`},
	{"layer_types", []string{"full_attention"}, "layer_types: 1 types for "},
	{"attn_logit_softcapping", "much", "attn_logit_softcapping"},
	{"final_logit_softcapping", -30, "final_logit_softcapping: -30 is negative"},
	{"rope_theta", -1, "rope_theta is -1, want a positive number"},
}

func TestGemma2RefusesConfigs(t *testing.T) { requireFieldErrors(t, "gemma2", gemmaSizes, gemmaRefused) }

func TestGemma3TextRefusesConfigs(t *testing.T) {
	requireFieldErrors(t, "gemma3_text", append(gemmaSizes, "sliding_window_pattern"), append(gemmaRefused,
		badField{"use_bidirectional_attention", true, "use_bidirectional_attention: only causal attention is supported"},
		badField{"rope_scaling", fields{"rope_type": "linear", "factor": 0}, "rope_scaling.factor is 0"},
		badField{"rope_local_base_freq", -1, "rope_theta is -1, want a positive number"},
		badField{"layer_types", []string{"full_attention", "full_attention", "full_attention", "chunked_attention"}, `layer_types: layer 3 is "chunked_attention"`},
	))
}

func TestGemma4TextRefusesConfigs(t *testing.T) {
	sizes := append(gemmaSizes, "global_head_dim", "num_global_key_value_heads", "vocab_size_per_layer_input", "hidden_size_per_layer_input",
		"num_experts", "top_k_experts", "moe_intermediate_size")
	requireFieldErrors(t, "gemma4_text", sizes, []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 of layer 0 does not divide num_attention_heads 4"},
		{"num_kv_shared_layers", -1, "num_kv_shared_layers: -1 of 3 layers"},
		{"num_kv_shared_layers", 3, "num_kv_shared_layers: 3 of 3 layers"},
		{"num_kv_shared_layers", 1, "num_kv_shared_layers: layer 2 is the first full_attention, and has no keys and values"},
		{"top_k_experts", 5, "top_k_experts: 5 of 4 experts"},
		{"use_bidirectional_attention", "all", "use_bidirectional_attention: only causal attention is supported"},
		{"hidden_activation", "relu", `hidden_activation: "relu" is not gelu_pytorch_tanh`},
		{"per_layer_config", fields{"1": fields{"head_dim": 1 << 40}}, "per_layer_config.head_dim: "},
		{"per_layer_config", fields{"2": fields{"num_key_value_heads": -1}}, "per_layer_config.num_key_value_heads: "},
		{"rope_parameters", fields{"full_attention": fields{"rope_type": "proportional", "partial_rotary_factor": 2}}, "partial_rotary_factor is 2"},
		{"final_logit_softcapping", -30, "final_logit_softcapping: -30 is negative"},
	})
}

// The nested configuration's fields are named as such, and a checkpoint says of
// its language model what nobody knows.
func TestLanguageModelsRefuseConfigs(t *testing.T) {
	requireFieldErrors(t, "gemma3", nil, []badField{
		{"text_config", "none", "text_config: "},
		{"text_config", fields{"model_type": 3}, "text_config.model_type: 3 is no string"},
		{"text_config", fields{"model_type": "gemma33"}, `text_config.model_type: unknown architecture "gemma33"; known: `},
		{"text_config", fields{"hidden_size": -2}, "text_config: hidden_size: -2 is not between 1"},
	})
	_, err := newArchitecture([]byte(`{"model_type": "gemma5"}`))
	require.ErrorContains(t, err, `model_type: unknown architecture "gemma5"; known: `)
	require.ErrorContains(t, err, "gemma3, gemma3_text, gemma4, gemma4_text")
}
