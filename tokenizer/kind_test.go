package tokenizer

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kind is what the file calls it, and the special tokens are those it marks.
func TestKindAndSpecialTokens(t *testing.T) {
	all := loadSpecs(t)
	kinds := map[string]bool{}
	for name := range all.Bases {
		data := all.with(t, name, nil)
		var file struct {
			Model struct{ Type string }
			Added []struct {
				ID      int32
				Special bool
			} `json:"added_tokens"`
		}
		require.NoError(t, json.Unmarshal(data, &file))
		tok, err := Parse(data)
		require.NoError(t, err)
		require.Equal(t, file.Model.Type, tok.Kind(), name)
		var special []int32
		for _, a := range file.Added {
			if a.Special {
				special = append(special, a.ID)
			}
		}
		slices.Sort(special)
		require.Equal(t, special, tok.SpecialTokens(), name)
		kinds[tok.Kind()] = true
	}
	require.Len(t, kinds, 4, "%v", kinds)
}
