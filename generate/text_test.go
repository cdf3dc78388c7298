package generate

import (
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// A character of several tokens comes with its last one; what is incomplete when
// the generation ends comes with the last token, as U+FFFD.
func TestStreamHoldsPartialCharactersBack(t *testing.T) {
	tok, err := tokenizer.Load("../tokenizer/testdata/smollm.json")
	require.NoError(t, err)
	ids, err := tok.Encode("hé🎈!")
	require.NoError(t, err)
	require.Len(t, ids, 8, "h, two bytes, four bytes, !")
	end, ok := tok.ID("<|end|>")
	require.True(t, ok)
	for _, c := range []struct {
		what   string
		script []int32
		opts   []Option
		want   []string
	}{
		{"whole characters", ids, nil, []string{"h", "", "é", "", "", "", "🎈", "!"}},
		{"cut by the bound", ids, []Option{WithMaxTokens(6)}, []string{"h", "", "é", "", "", "\ufffd"}},
		{"cut by a stop token", append(ids[:5:5], end), nil, []string{"h", "", "é", "", "", "\ufffd"}},
		{"cut by another character", append(ids[:2:2], ids[7], ids[0]), nil, []string{"h", "", "\ufffd!", "h"}},
		{"ended by a stop token", append(ids[:1:1], end), nil, []string{"h", ""}},
		{"past a stop token", append(ids[:1:1], end, ids[0]), []Option{WithoutStops()}, []string{"h", "<|end|>", "h"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			opts := append([]Option{WithMaxTokens(len(c.script)), WithStopTokens(end)}, c.opts...)
			var have []string
			stream := Stream(t.Context(), mlx.Default(), &toy{script: c.script}, []int32{1}, tok.NewDecoder(), opts...)
			for tok, err := range stream {
				require.NoError(t, err)
				have = append(have, tok.Text)
			}
			require.Equal(t, c.want, have)
		})
	}
}
