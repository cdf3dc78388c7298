package models

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// published reads a config.json of testdata/configs, as its model's page has it.
func published(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "configs", name+".json"))
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, json.Unmarshal(data, &config))
	return config
}

// publishedParameters are the sizes that the models' pages give for the weights of
// their language models; an output layer that is the embedding counts once.
var publishedParameters = map[string]int64{
	"llama-3.2-1b-instruct":         1_235_814_400,
	"llama-3.1-8b-instruct":         8_030_261_248,
	"llama-3.3-70b-instruct":        70_553_706_496,
	"smollm2-135m":                  134_515_008,
	"smollm3-3b":                    3_075_098_624,
	"mistral-7b-instruct-v0.3":      7_248_023_552,
	"qwen2.5-7b-instruct":           7_615_616_512,
	"qwen3-0.6b":                    596_049_920,
	"qwen3-8b":                      8_190_735_360,
	"qwen3-32b":                     32_762_123_264,
	"phi-4":                         14_659_507_200,
	"phi-4-mini-instruct":           3_836_021_760,
	"devstral-small-2-24b-instruct": 23_572_403_200,
	"devstral-2-123b-instruct":      125_025_988_608,
}

func TestPublishedConfigs(t *testing.T) {
	for name, parameters := range publishedParameters {
		data, err := json.Marshal(published(t, name))
		require.NoError(t, err)
		info, err := Describe(t.Context(), data)
		require.NoError(t, err, name)
		require.Equal(t, parameters, info.Parameters(), name)
	}
}

// Sizes that no model has are refused by name, in every architecture.
func TestPublishedConfigsWithAbsurdSizes(t *testing.T) {
	sized := []string{"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size"}
	for name := range publishedParameters {
		for _, field := range sized {
			for _, value := range []any{-1, 1 << 40, 1.5, "32", []int{1}} {
				requireRefused(t, name, field, value, field)
			}
		}
		requireRefused(t, name, "num_hidden_layers", 1<<13, "num_hidden_layers: 8192 is not between 1 and 4096")
	}
}

// requireRefused changes a field, in text_config where there is one, and requires
// an error.
func requireRefused(t *testing.T, name, field string, value any, want string) {
	t.Helper()
	config := published(t, name)
	at := config
	if text, ok := config["text_config"].(map[string]any); ok {
		at = text
	}
	at[field] = value
	data, err := json.Marshal(config)
	require.NoError(t, err)
	_, err = newArchitecture(data)
	require.ErrorContains(t, err, want, "%s: %s = %v", name, field, value)
}

func TestConfigsAreRefused(t *testing.T) {
	type object = map[string]any
	for _, c := range []struct {
		name, field string
		value       any
		want        string
	}{
		{"llama-3.2-1b-instruct", "num_key_value_heads", 5, "num_key_value_heads: 5 does not divide num_attention_heads 32"},
		{"llama-3.2-1b-instruct", "layer_types", []string{"full_attention"}, "layer_types: 1 types for 16 layers"},
		{"smollm2-135m", "layer_types", strings.Split(strings.Repeat("chunked_attention ", 30), " ")[:30], `layer_types: layer 0 is "chunked_attention"`},
		{"smollm2-135m", "layer_types", strings.Split(strings.Repeat("sliding_attention ", 30), " ")[:30], "sliding_window: 0 is not between"},
		{"smollm2-135m", "rope_theta", -1, "rope_theta is -1"},
		{"smollm2-135m", "head_dim", 3, "give 3 features to turn, want an even number"},
		{"smollm2-135m", "partial_rotary_factor", 1.5, "head_dim and partial_rotary_factor give 0 features"},
		{"smollm2-135m", "rope_scaling", object{"rope_type": "yarn"}, "rope_scaling.factor is 0"},
		{"smollm2-135m", "rope_scaling", object{"rope_type": "linear", "factor": "four"}, "rope_scaling.factor"},
		{"smollm2-135m", "rope_parameters", object{"rope_type": "longrope", "long_factor": []int{1}}, "rope_scaling.original_max_position_embeddings is 0"},
		{"smollm2-135m", "rope_parameters", object{"full_attention": object{"rope_type": "dynamic"}}, "rope_scaling.factor is 0"},
		{"mistral-7b-instruct-v0.3", "sliding_window", 0, "sliding_window: 0 is not between"},
		{"mistral-7b-instruct-v0.3", "sliding_window", -4096, "sliding_window: -4096 is not between"},
		{"smollm3-3b", "no_rope_layers", []int{1, 1, 1, 0}, "no_rope_layers: 4 entries for 36 layers"},
		{"smollm3-3b", "no_rope_layer_interval", -4, "no_rope_layer_interval: -4 is not between"},
		{"qwen3-0.6b", "max_window_layers", "28", "max_window_layers: string is no int"},
		{"phi-4-mini-instruct", "partial_rotary_factor", 0.5, "rope_scaling.long_factor has 48 numbers for 32 pairs"},
		{"phi-4-mini-instruct", "original_max_position_embeddings", 1, "original_max_position_embeddings is 1, want a number above 1"},
		{"phi-4-mini-instruct", "sliding_window", 1 << 30, "sliding_window: 1073741824 is not between"},
		{"devstral-2-123b-instruct", "rope_parameters", object{"llama_4_scaling_beta": -1, "original_max_position_embeddings": 8192},
			"rope_parameters: llama_4_scaling_beta and original_max_position_embeddings: beta -1"},
		{"devstral-2-123b-instruct", "rope_parameters", object{"llama_4_scaling_beta": 0.1}, "beta 0.1 and context 0"},
		{"devstral-small-2-24b-instruct", "model_type", "mistral4", `text_config.model_type: unknown architecture "mistral4"`},
		{"devstral-small-2-24b-instruct", "num_key_value_heads", 3, "text_config: num_key_value_heads: 3 does not divide"},
	} {
		requireRefused(t, c.name, c.field, c.value, c.want)
	}
}
