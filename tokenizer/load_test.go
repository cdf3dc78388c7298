package tokenizer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

func BenchmarkLoad(b *testing.B) {
	for _, name := range []string{"gemma3", "qwen3"} {
		b.Run(name, func(b *testing.B) {
			path, err := testmodels.Tokenizer(b.Context(), name, b.Output())
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, err := Load(path)
				require.NoError(b, err)
			}
		})
	}
}
