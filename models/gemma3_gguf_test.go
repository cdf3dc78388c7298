package models

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// gemma3Case is one of testdata/gemma3_270m.json: what llama.cpp makes of a prompt
// (testdata/gemma3_270m.py).
type gemma3Case struct {
	Prompt      string
	IDs         []int32
	Tokens      []int32   // greedy, from the file itself
	Top         []int32   // the tokens with the highest logits after the prompt
	Logits      []float32 // theirs, from the same weights as float32
	Every4096th []float32 `json:"every_4096th"`
}

func gemma3Cases(t *testing.T) (cases []gemma3Case) {
	t.Helper()
	data, err := os.ReadFile("testdata/gemma3_270m.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	require.Len(t, cases, 5)
	return cases
}

func TestGemma3AsLlamaCPP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	m := loadTest(t, testmodels.RequireGemma3(t), WithWeights(Dense), WithDtype(mlx.Float32))
	for _, c := range gemma3Cases(t) {
		ids, err := m.text.encode(c.Prompt, true)
		require.NoError(t, err)
		require.Equal(t, c.IDs, ids)
		leaktest.Do(t, func(th *mlx.Thread) {
			kv := m.NewCache(th)
			defer func() { require.NoError(t, kv.Close()) }()
			last := lastOf(forward(t, th, m, kv, ids, 1, len(ids)), 1, len(ids))
			var top, every []float32
			for _, id := range c.Top {
				top = append(top, last[id])
			}
			for i := 0; i < len(last); i += 4096 {
				every = append(every, last[i])
			}
			t.Log(requireClose(t, c.Logits, top, 1e-3, "the highest logits"), requireClose(t, c.Every4096th, every, 1e-3, "every 4096th logit"))
		})
		tokens, _, _ := collect(t, m.Generate(t.Context(), c.Prompt, generate.WithMaxTokens(len(c.Tokens)), generate.WithoutStops()))
		require.Equal(t, c.Tokens, tokens, c.Prompt)
	}
}
