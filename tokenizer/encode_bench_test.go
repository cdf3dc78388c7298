package tokenizer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/peer"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

func BenchmarkEncode(b *testing.B) {
	text := strings.ToValidUTF8(strings.Join(peer.Texts(2000, nil, 5), " "), "")
	for _, name := range []string{"gemma3", "qwen3", "gptoss"} {
		b.Run(name, func(b *testing.B) {
			path, err := testmodels.Tokenizer(b.Context(), name, b.Output())
			require.NoError(b, err)
			tok, err := Load(path)
			require.NoError(b, err)
			var ids []int32
			at := 0
			b.SetBytes(4096)
			b.ReportAllocs()
			for b.Loop() {
				if at += 4096; at+4096 > len(text) {
					at = 0
				}
				ids, err = tok.AppendEncode(ids[:0], text[at:at+4096])
				require.NoError(b, err)
			}
		})
	}
}
