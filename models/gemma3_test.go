package models

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestGemma3Parity(t *testing.T) { testParity(t, "gemma3") }

// The checkpoint's dtype and stop tokens are its own, or its language model's.
func TestGemma3NestedFields(t *testing.T) {
	for _, x := range []struct {
		with  fields
		dtype mlx.Dtype
		stops []int32
	}{
		{fields{"torch_dtype": "float32", "eos_token_id": []int{5, 6}}, mlx.Float32, []int32{5, 6}},
		{fields{"torch_dtype": nil, "dtype": "float32", "eos_token_id": 5}, mlx.Float32, []int32{5}},
		{fields{"torch_dtype": nil, "eos_token_id": nil}, mlx.Float16, []int32{7}},
		{fields{"torch_dtype": json.RawMessage("null"), "eos_token_id": json.RawMessage("null")}, mlx.Float16, []int32{7}},
	} {
		c := parityCases(t, "gemma3")["older names"]
		text := fields{"model_type": "gemma3_text", "dtype": "float16", "eos_token_id": 7, "hidden_size": 64, "intermediate_size": 96,
			"num_hidden_layers": 6, "head_dim": 8, "sliding_window": 6}
		x.with["text_config"] = text
		c.Config = c.change(t, x.with)
		dtype, err := configDtype(c.Config)
		require.NoError(t, err)
		require.Equal(t, x.dtype, dtype)
		m := loadTest(t, c.folder(t))
		for id := range int32(8) {
			require.Equal(t, slices.Contains(x.stops, id), slices.Contains(m.text.stops, id), "%v: %d", x.with, id)
		}
	}
}

// Layers that are packed in their own way are named in the configuration as the
// checkpoint has them, or as the language model does.
func TestGemma3PackedLayersByEitherName(t *testing.T) {
	c := parityCases(t, "gemma3")["4-bit and others"]
	size := func(name string) uint64 {
		quantization := fields{"group_size": 32, "bits": 4, name: fields{"group_size": 32, "bits": 8}}
		info, err := Describe(t.Context(), c.change(t, fields{"quantization": quantization}))
		require.NoError(t, err)
		return info.WeightBytes()
	}
	more := uint64(96 * 64 / 2) // four bits a number
	require.Equal(t, size("no.layer")+more, size("language_model.model.layers.0.mlp.down_proj"))
	require.Equal(t, size("no.layer")+more, size("model.language_model.layers.0.mlp.down_proj"))
	require.Equal(t, size("no.layer")+more, size("model.layers.0.mlp.down_proj"))
}
