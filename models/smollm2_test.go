package models

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// smollm2 is testdata/smollm2.json: what mlx-lm makes of five prompts with the
// weights of the GGUF file (testdata/smollm2.py).
type smollm2 struct {
	Prompts []struct {
		Messages []templates.Message
		IDs      []int32
	}
	Greedy  map[string][]greedyCase // by kind: "f32" (dense), "q4-f32" (packed, f32 scales)
	Sampled []struct {
		Options struct {
			Temp float64
			TopP float64 `json:"top_p"`
			MinP float64 `json:"min_p"`
			TopK int     `json:"top_k"`
		}
		Seed   uint64
		Tokens []int32
	}
}

type greedyCase struct {
	Tokens    []int32
	Text      string
	Norm      float64
	Top       []int32   // the tokens with the highest logits of the prompt's last position
	Logits    []float32 // theirs
	Every64th []float32 `json:"every_64th"`
}

func loadSmolLM2(t *testing.T, form WeightForm, opts ...Option) (*Model, *smollm2) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a real model")
	}
	data, err := os.ReadFile("testdata/smollm2.json")
	require.NoError(t, err)
	ref := new(smollm2)
	require.NoError(t, json.Unmarshal(data, ref))
	require.Len(t, ref.Prompts, 5)
	opts = append(opts, WithWeights(form), WithDtype(mlx.Float32))
	return loadDefault(t, testmodels.RequireSmolLM2(t), opts...), ref
}

// collect runs a generation to its end and returns its ids, its text and its last
// token.
func collect(t *testing.T, stream func(func(generate.Token, error) bool)) (ids []int32, text string, last generate.Token) {
	t.Helper()
	for tok, err := range stream {
		require.NoError(t, err)
		ids, text, last = append(ids, tok.ID), text+tok.Text, tok
	}
	return ids, text, last
}

// The chat template and the tokenizer, both from the GGUF file, give mlx-lm's
// prompts.
func TestSmolLM2Prompts(t *testing.T) {
	m, ref := loadSmolLM2(t, Packed)
	for _, p := range ref.Prompts {
		ids, err := m.ChatTokens(templates.Chat{Messages: p.Messages})
		require.NoError(t, err)
		require.Equal(t, p.IDs, ids)
	}
}

// Greedy answers are mlx-lm's, token for token, and so are the logits that they
// begin with, where activations are rounded to 16 bits too.
func TestSmolLM2Greedy(t *testing.T) {
	for name, c := range map[string]struct {
		kind      string
		form      WeightForm
		opts      []Option
		tolerance float64
	}{
		"dense":   {"f32", Dense, nil, 1e-4},
		"packed":  {"q4-f32", Packed, []Option{WithExactProducts()}, 1e-4},
		"rounded": {"q4-f32", Packed, nil, 3e-4},
	} {
		t.Run(name, func(t *testing.T) {
			m, ref := loadSmolLM2(t, c.form, c.opts...)
			for i, want := range ref.Greedy[c.kind] {
				compareLogits(t, m, ref.Prompts[i].IDs, want, c.tolerance)
				stream := m.Chat(t.Context(), templates.Chat{Messages: ref.Prompts[i].Messages},
					generate.WithMaxTokens(len(want.Tokens)))
				ids, text, last := collect(t, stream)
				require.Equal(t, want.Tokens, ids, "prompt %d", i)
				stopped := slices.Contains(m.text.stops, ids[len(ids)-1])
				if stopped {
					require.Equal(t, generate.Stop, last.Finish)
					text += "<|im_end|>" // the text of a stop token is not the answer's
				} else {
					require.Equal(t, generate.Length, last.Finish)
				}
				require.Equal(t, want.Text, text)
				require.Equal(t, len(ref.Prompts[i].IDs), last.Stats.PromptTokens)
				require.Equal(t, len(ids), last.Stats.GeneratedTokens)
			}
		})
	}
}

// compareLogits compares the logits of the prompt's last position within a share of
// the largest and of their norm.
func compareLogits(t *testing.T, m *Model, ids []int32, want greedyCase, tolerance float64) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := m.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		all := forward(t, th, m, kv, ids, 1, len(ids))
		last := lastOf(all, 1, len(ids))
		var top, every []float32
		for _, id := range want.Top {
			top = append(top, last[id])
		}
		for i := 0; i < len(last); i += 64 {
			every = append(every, last[i])
		}
		requireClose(t, want.Logits, top, tolerance, "the highest logits")
		requireClose(t, want.Every64th, every, tolerance, "every 64th logit")
		sum := 0.0
		for _, v := range last {
			sum += float64(v) * float64(v)
		}
		require.InEpsilon(t, want.Norm, math.Sqrt(sum), tolerance)
	})
}

// A seed gives the tokens that mlx-lm draws with it: the same filters in the same
// order, the same keys.
func TestSmolLM2Sampled(t *testing.T) {
	m, ref := loadSmolLM2(t, Dense)
	for _, want := range ref.Sampled {
		o := want.Options
		stream := m.GenerateTokens(t.Context(), ref.Prompts[0].IDs, generate.WithSeed(want.Seed),
			generate.WithMaxTokens(len(want.Tokens)), generate.WithoutStops(),
			generate.WithSampling(generate.Sampling{Temperature: o.Temp, TopP: o.TopP, MinP: o.MinP, TopK: o.TopK}))
		ids, _, _ := collect(t, stream)
		require.Equal(t, want.Tokens, ids, "%+v", o)
	}
}

// A cancelled context ends the stream between two steps with its error.
func TestCancelBetweenSteps(t *testing.T) {
	m, ref := loadSmolLM2(t, Packed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	live, tokens := mlx.Live(), 0
	var failed error
	for _, err := range m.GenerateTokens(ctx, ref.Prompts[0].IDs) {
		if err != nil {
			failed = err
			continue
		}
		if tokens++; tokens == 3 {
			cancel()
		}
	}
	require.ErrorIs(t, failed, context.Canceled)
	require.Equal(t, 3, tokens)
	require.Equal(t, live, mlx.Live())
}
