package sidebyside

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func tiny(t *testing.T) *models.Model {
	t.Helper()
	config, err := os.ReadFile("../../models/testdata/llama/gqa/config.json")
	require.NoError(t, err)
	m, err := models.New(t.Context(), config)
	require.NoError(t, err)
	return m
}

// Row for row the tokens are those of the single prompt, however it is cut.
func TestRunGenerates(t *testing.T) {
	leaktest.Check(t)
	m := tiny(t)
	defer m.Close()
	prompts := [][]int32{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}, {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4}}
	var want [][]int32
	for _, p := range prompts {
		var row []int32
		for tok, err := range m.GenerateTokens(t.Context(), p, generate.WithMaxTokens(5), generate.WithoutStops()) {
			require.NoError(t, err)
			row = append(row, tok.ID)
		}
		want = append(want, row)
	}
	for _, chunk := range []int{4, 11, 2048} {
		r, err := Run(t.Context(), m, prompts, 5, chunk)
		require.NoError(t, err)
		require.Equal(t, want, r.Tokens)
		require.Positive(t, r.PromptTime)
		require.Positive(t, r.DecodeTime)
		require.Positive(t, r.Peak)
	}
}

func TestRunInterrupted(t *testing.T) {
	leaktest.Check(t)
	m := tiny(t)
	defer m.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, m, [][]int32{{1, 2}, {3, 4}}, 3, 8)
	require.ErrorIs(t, err, context.Canceled)
}
