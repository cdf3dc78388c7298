package models

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const llama32 = `{"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
	"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "rms_norm_eps": 1e-05, "rope_theta": 500000.0,
	"rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
	"max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16"}`

func TestDescribe(t *testing.T) {
	info, err := Describe(t.Context(), []byte(llama32))
	require.NoError(t, err)
	require.Equal(t, int64(1_235_814_400), info.Parameters()) // the model card says 1.23B
	require.Equal(t, uint64(2*1_235_814_400), info.WeightBytes())
	require.Equal(t, 128256, info.Vocab)
	require.Equal(t, uint64(16*2*8*64*2*1000), info.CacheBytes(1000))
}

// A token takes as many parameters as the publishers say, in billions.
func TestActiveParameters(t *testing.T) {
	for name, want := range map[string]float64{
		"Mixtral-8x7B-v0.1": 12.9, // https://arxiv.org/abs/2401.04088
		"DeepSeek-V3":       37.6, // https://arxiv.org/abs/2412.19437 says 37
		"Qwen3-30B-A3B":     3.35, // its model card says 3.3
		"gpt-oss-20b":       4.19, // 3.61 and the input's embedding, 201088 x 2880
		"Qwen3-8B":          8.19, // no mixture
	} {
		config, err := os.ReadFile(filepath.Join("testdata", "configs", name+".json"))
		require.NoError(t, err)
		info, err := Describe(t.Context(), config)
		require.NoError(t, err)
		require.InEpsilon(t, want, float64(info.ActiveParameters())/1e9, 5e-3, name)
	}
}

func TestLimits(t *testing.T) {
	config, err := os.ReadFile(filepath.Join("testdata", "configs", "gpt-oss-20b.json"))
	require.NoError(t, err)
	info, err := Describe(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, 131072, info.Limits.MaxPositions)
	require.Len(t, info.Limits.Windows, 24)
	require.Equal(t, []int{128, 0, 128, 0}, info.Limits.Windows[:4])
	require.Nil(t, info.Files)
}

// A folder's licence is its card's; a broken card is no reason to say nothing else.
func TestInspectLicense(t *testing.T) {
	for card, want := range map[string]string{
		"": "", "---\nlicense: mit\n---\nWords.\n": "mit", "---\nlicense: [a, b]\n---\n": "a,b", "---\nlicense: [\n---\n": "",
	} {
		dir := tiny(t, "plain")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "README.md"), []byte(card), 0o600))
		info, err := Inspect(t.Context(), dir)
		require.NoError(t, err)
		require.Equal(t, want, info.Files.License, card)
	}
}

// The forms and bytes of tiny folders, packed and not, and the names of the forms.
func TestInspect(t *testing.T) {
	for name, want := range map[string]map[string]int{
		"plain": {"float32": 21},
		"q4":    {"4-bit affine, groups of 32": 16, "float32": 5},
		"mixed": {"4-bit affine, groups of 32": 15, "8-bit affine, groups of 64": 1, "float32": 5},
	} {
		dir := tiny(t, name)
		info, err := Inspect(t.Context(), dir)
		require.NoError(t, err)
		forms, bytes := map[string]int{}, int64(0)
		for _, w := range info.Files.Weights {
			forms[w.Form]++
			bytes += w.Bytes
		}
		require.Equal(t, want, forms, name)
		require.Equal(t, info.Files.Bytes(), bytes)
		require.Equal(t, "BPE", info.Files.Tokenizer.Kind())
		stat, err := os.Stat(filepath.Join(dir, "model.safetensors"))
		require.NoError(t, err)
		require.Less(t, bytes, stat.Size())
		require.Greater(t, bytes, stat.Size()-8192, "all but the header")

		require.NoError(t, os.Remove(filepath.Join(dir, "tokenizer.json")))
		info, err = Inspect(t.Context(), dir)
		require.NoError(t, err)
		require.Nil(t, info.Files.Tokenizer)
		require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
		_, err = Inspect(t.Context(), dir)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}
