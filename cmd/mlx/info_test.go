package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Llama 3.2 1B as published: 1,235,814,400 parameters, 16 layers of 8 heads of
// keys and values.
const llama32 = `{"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
	"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "rms_norm_eps": 1e-05,
	"rope_theta": 500000.0, "max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16"}`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestInfo(t *testing.T) {
	path := writeConfig(t, llama32)
	for _, arg := range []string{path, filepath.Dir(path)} {
		o := call(t, "", "info", "--config", arg, "--tensors")
		require.Equal(t, 0, o.code, o.err)
		for _, line := range []string{
			"model       llama, 16 layers, vocabulary of 128256\n",
			"parameters  1,235,814,400 (1.24 B)\n",
			"weights     2.5 GB as stored (bfloat16)\n",
			"cache       268 MB for 8,192 tokens\n",
			"model.layers.{0-15}.self_attn.k_proj.weight          [512 2048]\n",
		} {
			require.Contains(t, o.out, line)
		}
	}
}

func TestInfoJSON(t *testing.T) {
	o := call(t, "", "info", "--config", writeConfig(t, llama32), "--json", "--context", "1000")
	require.Equal(t, 0, o.code, o.err)
	var got infoJSON
	require.NoError(t, json.Unmarshal([]byte(o.out), &got))
	require.Equal(t, int64(1_235_814_400), got.Parameters)
	require.Equal(t, uint64(16*2*8*64*2*1000), got.Cache)
	require.Len(t, got.Tensors, 2+16*9)
	require.Equal(t, tensorJSON{"model.embed_tokens.weight", []int{128256, 2048}}, got.Tensors[0])
}

func TestInfoRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"model_type": "llama", "hidden_size": -1}`: "hidden_size: -1 is not between 1 and",
		`{"model_type": "gpt2"}`:                     `unknown architecture "gpt2"`,
		`{`:                                          "not valid JSON",
	} {
		path := writeConfig(t, text)
		o := call(t, "", "info", "--config", path)
		require.Equal(t, exitFailed, o.code)
		require.Contains(t, o.err, path)
		require.Contains(t, o.err, want)
	}
	o := call(t, "", "info", "--config", "nowhere.json")
	require.Equal(t, exitFailed, o.code)
	require.Contains(t, o.err, "nowhere.json")
}
