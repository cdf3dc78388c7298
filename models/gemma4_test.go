package models

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

func TestGemma4Parity(t *testing.T) { testParity(t, "gemma4") }

// A unified configuration does not speak of embeddings of the layers' own, which
// others have where they say nothing.
func TestGemma4UnifiedHasNoEmbeddingsOfLayers(t *testing.T) {
	for kind, want := range map[string]bool{"gemma4_unified_text": false, "gemma4_text": true} {
		c := parityCases(t, "gemma4_text")["large"]
		info, err := Describe(t.Context(), c.change(t, fields{"model_type": kind, "hidden_size_per_layer_input": nil}))
		require.NoError(t, err)
		has := slices.ContainsFunc(info.Tensors, func(s nn.Shape) bool { return s.Name == "model.embed_tokens_per_layer.weight" })
		require.Equal(t, want, has, kind)
	}
}
