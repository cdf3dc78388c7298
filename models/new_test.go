package models

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const smallConfig = `{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 96, "num_attention_heads": 4,
	"num_key_value_heads": 2, "vocab_size": 32, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": true`

// A new model has normal weights, norms of ones, biases of zeros, the same for the
// same configuration; it generates, and says what it cannot.
func TestNew(t *testing.T) {
	leaktest.Check(t)
	var first []int32
	for range 2 {
		m, err := New(t.Context(), []byte(smallConfig+"}"), WithTraining())
		require.NoError(t, err)
		leaktest.Do(t, func(th *mlx.Thread) {
			for name, v := range m.Parameters().All() {
				values, err := mlx.Values[float32](th, v)
				require.NoError(t, err)
				mean, deviation := moments(values)
				switch {
				case len(values) > 100:
					require.InDelta(t, 0.02, deviation, 0.002, name)
					require.InDelta(t, 0, mean, 0.002, name)
				case name == "model.norm.weight":
					require.Equal(t, []float64{1, 0}, []float64{mean, deviation}, name)
				case name == "model.layers.1.self_attn.o_proj.bias":
					require.Equal(t, []float64{0, 0}, []float64{mean, deviation}, name)
				}
			}
		})
		var ids []int32
		for tok, err := range m.GenerateTokens(t.Context(), []int32{1, 2, 3}, generate.WithMaxTokens(8)) {
			require.NoError(t, err)
			ids = append(ids, tok.ID)
		}
		require.Len(t, ids, 8)
		if first == nil {
			first = ids
		}
		require.Equal(t, first, ids)
		for _, err := range m.Generate(t.Context(), "text") {
			require.EqualError(t, err, "models: the model has no tokenizer")
		}
		require.NoError(t, m.Close())
	}
}

// A configuration with a quantization makes packed weights.
func TestNewQuantised(t *testing.T) {
	for _, block := range []string{`{"group_size": 32, "bits": 4}`, `{"group_size": 32, "bits": 8, "mode": "mxfp8"}`} {
		m, err := New(t.Context(), []byte(smallConfig+`, "quantization": `+block+"}"), WithWeights(Packed))
		require.NoError(t, err)
		names := nn.Parameters(m.Module()).Names()
		require.Contains(t, names, "model.embed_tokens.scales")
		for _, err := range m.GenerateTokens(t.Context(), []int32{1}, generate.WithMaxTokens(3)) {
			require.NoError(t, err)
		}
		require.NoError(t, m.Close())
	}
}

func TestNewRefuses(t *testing.T) {
	for config, want := range map[string]string{
		`{"model_type": "llama"}`: "models: new: hidden_size: 0 is not between",
		`{"model_type": "none"}`:  `unknown architecture "none"`,
		`[]`:                      "not valid JSON",
		smallConfig + `, "quantization": {"group_size": 32, "bits": 7}}`: "quantization",
	} {
		_, err := New(t.Context(), []byte(config))
		require.ErrorContains(t, err, want)
	}
}

func moments(values []float32) (mean, deviation float64) {
	for _, v := range values {
		mean += float64(v) / float64(len(values))
	}
	for _, v := range values {
		deviation += (float64(v) - mean) * (float64(v) - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}
