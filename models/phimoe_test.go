package models

import "testing"

func TestPhiMoEParity(t *testing.T) { testParity(t, "phimoe") }

func TestPhiMoERefusesConfigs(t *testing.T) {
	sizes := []string{"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "vocab_size",
		"num_local_experts", "num_experts_per_tok"}
	requireFieldErrors(t, "phimoe", sizes, []badField{
		{"num_local_experts", 0, "num_local_experts: 0 is not between 1 and 4096"},
		{"num_experts_per_tok", 5, "num_experts_per_tok: 5 is not between 1 and the 4 of num_local_experts"},
		{"router_jitter_noise", -1, "router_jitter_noise: -1 is negative"},
		{"rope_scaling", fields{"type": "longrope", "long_factor": []int{1}, "short_factor": []int{1}}, "rope_scaling."},
	})
}
