package models

import (
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
