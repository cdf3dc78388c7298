package models

import "testing"

func TestGlm4MoeParity(t *testing.T) { testParity(t, "glm4_moe") }

func TestGlm4MoeRefusesConfigs(t *testing.T) {
	sizes := []string{
		"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
		"n_routed_experts", "moe_intermediate_size", "first_k_dense_replace",
	}
	requireFieldErrors(t, "glm4_moe", sizes, []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
		{"partial_rotary_factor", 1.5, "partial_rotary_factor"},
		{"scoring_func", "softmax", `scoring_func: "softmax" does not go with topk_method noaux_tc`},
	})
}
