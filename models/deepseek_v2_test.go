package models

import "testing"

func TestDeepseekV2Parity(t *testing.T) { testParity(t, "deepseek_v2") }

func TestDeepseekV2RefusesConfigs(t *testing.T) {
	requireFieldErrors(t, "deepseek_v2", []string{"kv_lora_rank", "n_routed_experts", "moe_intermediate_size"}, []badField{
		{"topk_method", "noaux", `topk_method: "noaux" is none of noaux_tc, group_limited_greedy and greedy`},
		{"scoring_func", "sigmoid", `scoring_func: "sigmoid" does not go with topk_method greedy, which has softmax`},
		{"num_experts_per_tok", 9, "num_experts_per_tok: 9, of 8 that topk_group leaves"},
	})
}
