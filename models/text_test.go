package models

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// The tokenizer in SmolLM2's GGUF file gives the ids of Hugging Face's for texts
// of all kinds (../tokenizer/testdata/dump.py).
func TestSmolLM2TokenizerEqualsReference(t *testing.T) {
	data, err := os.ReadFile("../tokenizer/testdata/reference.json")
	require.NoError(t, err)
	var ref struct {
		Texts []string
		Cases map[string]struct {
			IDs  [][]int32
			Text []string
		}
	}
	require.NoError(t, json.Unmarshal(data, &ref))
	f, err := gguf.Open(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	defer f.Close()
	tok, err := tokenizer.FromGGUF(&f.Metadata)
	require.NoError(t, err)
	want := ref.Cases["smollm2"]
	require.Len(t, want.IDs, len(ref.Texts))
	for i, text := range ref.Texts {
		ids, err := tok.Encode(text)
		require.NoError(t, err)
		require.Equal(t, want.IDs[i], ids, "%q", text)
		require.Equal(t, want.Text[i], tok.Decode(ids, tokenizer.SkipSpecialTokens()), "%q", text)
	}
}
