package models

import (
	"encoding/json"
	"os"
	"slices"
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
	Every4096th []float32 `json:"every_4096th"` // logit after the prompt, the same way

	MLXTop         []float32 `json:"mlx_top"` // the same of mlx-lm
	MLXEvery4096th []float32 `json:"mlx_every_4096th"`
}

// How far logits are apart at most, relative to the largest one: from mlx-lm's by
// the order of adding up, from llama.cpp's by its table for GELU, which has 11 bits
// (mlx-lm is as far from it).
const (
	apartFromMLX      = 1e-4
	apartFromLlamaCPP = 3e-3
)

func gemma3Cases(t *testing.T) (cases []gemma3Case) {
	t.Helper()
	data, err := os.ReadFile("testdata/gemma3_270m.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	require.Len(t, cases, 5)
	return cases
}

// The Q4_K_M file of Gemma 3 270M: its vocabulary gives llama.cpp's ids, its weights
// the logits that they have in llama.cpp as float32, and each of the 100 tokens that
// llama.cpp generates from the file itself is the likeliest here too. All tokens
// after a prompt are looked at in one pass; one prompt is continued step by step as
// well, half as far.
//
// llama.cpp rounds activations to 8 bits where weights are packed. The prompts are
// some for which that does not change its choice: see testdata/gemma3_270m.py.
func TestGemma3AsLlamaCPP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	cases := gemma3Cases(t)
	m := loadTest(t, testmodels.RequireGemma3(t), WithWeights(Dense), WithDtype(mlx.Float32))
	for i, c := range cases {
		ids, err := m.text.encode(c.Prompt, true)
		require.NoError(t, err)
		require.Equal(t, c.IDs, ids)
		require.Len(t, c.Tokens, 100)
		leaktest.Do(t, func(th *mlx.Thread) { c.compare(t, th, m) })
		if i == 0 {
			stream := m.Generate(t.Context(), c.Prompt, generate.WithMaxTokens(50), generate.WithoutStops())
			tokens, _, _ := collect(t, stream)
			require.Equal(t, c.Tokens[:50], tokens, c.Prompt)
		}
	}
}

// Packed, the likeliest tokens are the same. Our own kernels have the file's Q6_K
// tensors as they are, MLX's groups of 32 only near ones.
func TestGemma3PackedAsLlamaCPP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	cases := gemma3Cases(t)
	m := loadDefault(t, testmodels.RequireGemma3(t), WithWeights(Packed), WithDtype(mlx.Float32))
	stream := m.Generate(t.Context(), cases[0].Prompt, generate.WithMaxTokens(20), generate.WithoutStops())
	tokens, _, _ := collect(t, stream)
	require.Equal(t, cases[0].Tokens[:20], tokens)
}

// compare looks at the logits after the prompt and at the likeliest token after
// each of those that were generated.
func (c *gemma3Case) compare(t *testing.T, th *mlx.Thread, m *Model) {
	t.Helper()
	in := append(slices.Clone(c.IDs), c.Tokens[:len(c.Tokens)-1]...)
	logits := forward(t, th, m, m.uncached, in, 1, len(in))
	vocab := len(logits) / len(in)
	for i, want := range c.Tokens {
		row := logits[(len(c.IDs)-1+i)*vocab:][:vocab]
		require.Equal(t, slices.Max(row), row[want], "%q: token %d", c.Prompt, i)
	}
	first := logits[(len(c.IDs)-1)*vocab:][:vocab]
	var top, every []float32
	for _, id := range c.Top {
		top = append(top, first[id])
	}
	for i := 0; i < vocab; i += 4096 {
		every = append(every, first[i])
	}
	t.Logf("%q: logits differ from mlx-lm's by %.1e, from llama.cpp's by %.1e", c.Prompt,
		max(requireClose(t, c.MLXTop, top, apartFromMLX, "mlx-lm, highest"), requireClose(t, c.MLXEvery4096th, every, apartFromMLX, "mlx-lm, all over")),
		max(requireClose(t, c.Logits, top, apartFromLlamaCPP, "llama.cpp, highest"), requireClose(t, c.Every4096th, every, apartFromLlamaCPP, "llama.cpp, all over")))
}
