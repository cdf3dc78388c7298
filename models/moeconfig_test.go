package models

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A configuration with a field that cannot be is refused by that field, before
// anything is made of it.
func TestBadExpertConfigsAreRefused(t *testing.T) {
	for _, c := range []struct{ file, name, field, value, want string }{
		{"mixtral", "stacked", "num_local_experts", "0", "num_local_experts: 0 is not between 1 and 4096"},
		{"mixtral", "stacked", "num_local_experts", "-8", "num_local_experts: -8 is not between 1 and 4096"},
		{"mixtral", "stacked", "num_local_experts", "9223372036854775807", "num_local_experts: 9223372036854775807 is not between"},
		{"mixtral", "stacked", "num_local_experts", `"8"`, "num_local_experts: string is no int"},
		{"mixtral", "stacked", "num_experts_per_tok", "5", "num_experts_per_tok: 5 is not between 1 and the 4 of num_local_experts"},
		{"mixtral", "stacked", "num_experts_per_tok", "0", "num_experts_per_tok: 0 is not between"},
		{"mixtral", "stacked", "intermediate_size", "99999999", "intermediate_size: 99999999 is not between"},
		{"mixtral", "stacked", "num_hidden_layers", "1000000", "num_hidden_layers: 1000000 is not between"},
		{"qwen3_moe", "stacked", "num_experts", "0", "num_experts: 0 is not between 1 and 4096"},
		{"qwen3_moe", "stacked", "num_experts", "5000", "num_experts: 5000 is not between"},
		{"qwen3_moe", "stacked", "num_experts_per_tok", "9", "num_experts_per_tok: 9 is not between 1 and the 8 of num_experts"},
		{"qwen3_moe", "stacked", "num_experts_per_tok", "-1", "num_experts_per_tok: -1 is not between"},
		{"qwen3_moe", "stacked", "moe_intermediate_size", "0", "moe_intermediate_size: 0 is not between"},
		{"qwen3_moe", "stacked", "moe_intermediate_size", "16777217", "moe_intermediate_size: 16777217 is not between"},
		{"qwen3_moe", "stacked", "decoder_sparse_step", "-2", "decoder_sparse_step: -2 is not between"},
		{"gpt_oss", "plain", "num_local_experts", "0", "num_local_experts: 0 is not between 1 and 4096"},
		{"gpt_oss", "plain", "num_experts_per_tok", "5", "num_experts_per_tok: 5 is not between 1 and the 4 of num_local_experts"},
		{"gpt_oss", "plain", "sliding_window", "0", "sliding_window: 0 is not between"},
		{"gpt_oss", "plain", "sliding_window", "-128", "sliding_window: -128 is not between"},
		{"gpt_oss", "plain", "swiglu_limit", "-7", "swiglu_limit: "},
		{"gpt_oss", "plain", "layer_types", `["full_attention"]`, "layer_types: 1 types for 2 layers"},
		{"gpt_oss", "plain", "rope_scaling", `{"rope_type": "yarn", "factor": -1}`, "rope_scaling.factor is -1"},
		{"gpt_oss", "plain", "head_dim", "7", "head_dim"},
	} {
		t.Run(c.file+"/"+c.field+" "+c.value, func(t *testing.T) {
			var fields map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(parityCases(t, c.file)[c.name].Config, &fields))
			fields[c.field] = json.RawMessage(c.value)
			config, err := json.Marshal(fields)
			require.NoError(t, err)
			_, err = newArchitecture(config)
			require.ErrorContains(t, err, c.want)
		})
	}
}
