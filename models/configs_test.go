package models

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
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

// Sizes that no model has are refused by name, in every architecture.
func TestPublishedConfigsWithAbsurdSizes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "configs", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		fields := []string{"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "vocab_size"}
		if published(t, name)["kv_lora_rank"] == nil { // the heads have no latent in common
			fields = append(fields, "num_key_value_heads", "head_dim")
		}
		for _, field := range fields {
			for _, value := range []any{-1, 1 << 40, 1.5, "32", []int{1}} {
				requireRefused(t, name, field, value, field)
			}
		}
		requireRefused(t, name, "num_hidden_layers", 1<<13, "num_hidden_layers: 8192 is not between 1 and 1024")
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
		{"Llama-3.2-1B-Instruct", "num_key_value_heads", 5, "num_key_value_heads: 5 does not divide num_attention_heads 32"},
		{"Llama-3.2-1B-Instruct", "layer_types", []string{"full_attention"}, "layer_types: 1 types for 16 layers"},
		{"SmolLM2-135M", "layer_types", strings.Split(strings.Repeat("chunked_attention ", 30), " ")[:30], `layer_types: layer 0 is "chunked_attention"`},
		{"SmolLM2-135M", "layer_types", strings.Split(strings.Repeat("sliding_attention ", 30), " ")[:30], "sliding_window: 0 is not between"},
		{"SmolLM2-135M", "rope_theta", -1, "rope_theta is -1"},
		{"SmolLM2-135M", "head_dim", 3, "give 3 features to turn, want an even number"},
		{"SmolLM2-135M", "partial_rotary_factor", 1.5, "head_dim and partial_rotary_factor give 0 features"},
		{"SmolLM2-135M", "rope_scaling", object{"rope_type": "yarn"}, "rope_scaling.factor is 0"},
		{"SmolLM2-135M", "rope_scaling", object{"rope_type": "linear", "factor": "four"}, "rope_scaling.factor"},
		{"SmolLM2-135M", "rope_parameters", object{"rope_type": "longrope", "long_factor": []int{1}}, "rope_scaling.original_max_position_embeddings is 0"},
		{"SmolLM2-135M", "rope_parameters", object{"full_attention": object{"rope_type": "dynamic"}}, "rope_scaling.factor is 0"},
		{"Mistral-7B-Instruct-v0.3", "sliding_window", 0, "sliding_window: 0 is not between"},
		{"Mistral-7B-Instruct-v0.3", "sliding_window", -4096, "sliding_window: -4096 is not between"},
		{"SmolLM3-3B", "no_rope_layers", []int{1, 1, 1, 0}, "no_rope_layers: 4 entries for 36 layers"},
		{"SmolLM3-3B", "no_rope_layer_interval", -4, "no_rope_layer_interval: -4 is not between"},
		{"Qwen3-0.6B", "max_window_layers", "28", "max_window_layers: string is no int"},
		{"Phi-4-mini-instruct", "partial_rotary_factor", 0.5, "rope_scaling.long_factor has 48 numbers for 32 pairs"},
		{"Phi-4-mini-instruct", "original_max_position_embeddings", 1, "original_max_position_embeddings is 1, want a number above 1"},
		{"Phi-4-mini-instruct", "sliding_window", 1 << 30, "sliding_window: 1073741824 is not between"},
		{"Devstral-2-123B-Instruct-2512", "rope_parameters", object{"llama_4_scaling_beta": -1, "original_max_position_embeddings": 8192},
			"rope_parameters: llama_4_scaling_beta and original_max_position_embeddings: beta -1"},
		{"Devstral-2-123B-Instruct-2512", "rope_parameters", object{"llama_4_scaling_beta": 0.1}, "beta 0.1 and context 0"},
		{"Devstral-Small-2-24B-Instruct-2512", "model_type", "mistral4", `text_config.model_type: unknown architecture "mistral4"`},
		{"Devstral-Small-2-24B-Instruct-2512", "num_key_value_heads", 3, "text_config: num_key_value_heads: 3 does not divide"},
	} {
		requireRefused(t, c.name, c.field, c.value, c.want)
	}
}

// Whatever a config.json says, it is an error or a model.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "configs", "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		arch, err := newArchitecture(data)
		if err != nil {
			return
		}
		_, err = nn.Shapes(arch)
		require.NoError(t, err)
	})
}
