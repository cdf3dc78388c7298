package models

import "testing"

// Experts that cannot be are refused by their field, before anything is made.
func TestExpertConfigsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, field string
		value       any
		want        string
	}{
		{"Mixtral-8x7B-v0.1", "num_local_experts", 0, "num_local_experts: 0 is not between 1 and 4096"},
		{"Mixtral-8x7B-v0.1", "num_local_experts", -8, "num_local_experts: -8 is not between 1 and 4096"},
		{"Mixtral-8x7B-v0.1", "num_local_experts", int64(1 << 62), "num_local_experts: 4611686018427387904 is not between"},
		{"Mixtral-8x7B-v0.1", "num_local_experts", "8", "num_local_experts: string is no int"},
		{"Mixtral-8x7B-v0.1", "num_experts_per_tok", 9, "num_experts_per_tok: 9 is not between 1 and the 8 of num_local_experts"},
		{"Mixtral-8x7B-v0.1", "num_experts_per_tok", 0, "num_experts_per_tok: 0 is not between"},
		{"Qwen3-30B-A3B", "num_experts", 0, "num_experts: 0 is not between 1 and 4096"},
		{"Qwen3-30B-A3B", "num_experts", 5000, "num_experts: 5000 is not between"},
		{"Qwen3-30B-A3B", "num_experts_per_tok", 129, "num_experts_per_tok: 129 is not between 1 and the 128 of num_experts"},
		{"Qwen3-30B-A3B", "num_experts_per_tok", -1, "num_experts_per_tok: -1 is not between"},
		{"Qwen3-30B-A3B", "moe_intermediate_size", 0, "moe_intermediate_size: 0 is not between"},
		{"Qwen3-30B-A3B", "moe_intermediate_size", 1<<24 + 1, "moe_intermediate_size: 16777217 is not between"},
		{"Qwen3-30B-A3B", "decoder_sparse_step", -2, "decoder_sparse_step: -2 is not between"},
		{"Qwen3-30B-A3B", "mlp_only_layers", "none", "mlp_only_layers: string is no []int"},
		{"Qwen1.5-MoE-A2.7B", "num_experts_per_tok", 61, "num_experts_per_tok: 61 is not between 1 and the 60 of num_experts"},
		{"Qwen1.5-MoE-A2.7B", "shared_expert_intermediate_size", 0, "shared_expert_intermediate_size: 0 is not between"},
		{"OLMoE-1B-7B-0924", "num_experts", 0, "num_experts: 0 is not between 1 and 4096"},
		{"OLMoE-1B-7B-0924", "num_experts_per_tok", 65, "num_experts_per_tok: 65 is not between 1 and the 64 of num_experts"},
		{"OLMoE-1B-7B-0924", "clip_qkv", 8, "clip_qkv: 8 is not supported"},
		{"granite-3.0-1b-a400m-base", "num_local_experts", -1, "num_local_experts: -1 is not between 1 and 4096"},
		{"granite-3.0-1b-a400m-base", "num_experts_per_tok", 33, "num_experts_per_tok: 33 is not between 1 and the 32 of num_local_experts"},
		{"gpt-oss-20b", "num_local_experts", 0, "num_local_experts: 0 is not between 1 and 4096"},
		{"gpt-oss-20b", "num_experts_per_tok", 33, "num_experts_per_tok: 33 is not between 1 and the 32 of num_local_experts"},
		{"gpt-oss-20b", "sliding_window", 0, "sliding_window: 0 is not between"},
		{"gpt-oss-20b", "sliding_window", -128, "sliding_window: -128 is not between"},
		{"gpt-oss-20b", "swiglu_limit", -7, "swiglu_limit: neither it (-7) nor swiglu_alpha (1.702) may be negative"},
		{"gpt-oss-20b", "layer_types", []string{"full_attention"}, "layer_types: 1 types for 24 layers"},
		{"gpt-oss-20b", "rope_scaling", map[string]any{"rope_type": "yarn", "factor": -1}, "rope_scaling.factor is -1"},
	} {
		requireRefused(t, c.name, c.field, c.value, c.want)
	}
}
