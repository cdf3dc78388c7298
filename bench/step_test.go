package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestOursGeneratesWhatTheReferenceDoes: what is timed is the real thing.
func TestOursGeneratesWhatTheReferenceDoes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "models", "testdata", "smollm2.json"))
	require.NoError(t, err)
	var want struct {
		Prompts []struct{ IDs []int32 }
		Greedy  map[string][]struct{ Tokens []int32 }
	}
	require.NoError(t, json.Unmarshal(data, &want))
	if testing.Short() {
		t.Skip("runs a real model")
	}
	settings := oursSettings(2, false)
	all, err := startOurs(t.Context(), testmodels.RequireSmolLM2(t), settings, t.Output())
	require.NoError(t, err)
	require.Len(t, all, 4)
	prompt := want.Prompts[0].IDs
	w := workload{ids: prompt, prompt: len(prompt), tokens: 6, builds: 2}
	for i, c := range []struct{ name, kind string }{ // as a CPU with our own kernels loads the model
		{"go-mlx, packed float32 (the default)", "q4-f32"}, {"go-mlx, dense float32", "f32"},
		{"go-mlx, packed float32, 8 prompts at once", "q4-f32"}, {"go-mlx, packed float32, 1 thread", "q4-f32"},
	} {
		require.Equal(t, c.name, all[i].name())
		require.Equal(t, goMLX, all[i].side())
		s, err := all[i].run(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, want.Greedy[c.kind][0].Tokens[:6], s.tokens, c.name)
		require.Positive(t, s.prefill())
		require.Positive(t, s.decode())
		require.Greater(t, s.arrays, uint64(90e6), "the weights")
		require.Greater(t, s.resident, s.arrays)
		if s.rows > 1 {
			require.Empty(t, s.builds)
			continue
		}
		require.Len(t, s.builds, 2)
		require.Equal(t, uint64(256*30*2*3*64*4), s.cache, "256 places of 30 layers")
	}
	require.NoError(t, closeAll(all))
}

func TestOursStopsWhenInterrupted(t *testing.T) {
	leaktest.Check(t)
	m, err := models.Load(t.Context(), testmodels.RequireSmolLM2(t), models.WithWeights(models.Packed))
	require.NoError(t, err)
	defer m.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = (&ours{label: "ours", model: m}).run(ctx, small)
	require.ErrorIs(t, err, context.Canceled)
}

// BenchmarkStep builds the graph of one decoding step, up to the logits, of the
// 30 layers of SmolLM2, and frees what only building it needs. Nothing is
// computed: the graphs are dropped every 32 steps, off the clock.
func BenchmarkStep(b *testing.B) {
	for _, form := range []models.WeightForm{models.Dense, models.Packed} {
		b.Run(string(form), func(b *testing.B) { benchmarkStep(b, form) })
	}
}

func benchmarkStep(b *testing.B, form models.WeightForm) {
	mlx.TraceHandles(false) // the leak check's stacks would be most of the time
	defer mlx.TraceHandles(true)
	m, err := models.Load(b.Context(), testmodels.RequireSmolLM2(b), models.WithWeights(form))
	require.NoError(b, err)
	defer m.Close()
	require.NoError(b, m.Worker().Do(b.Context(), func(t *mlx.Thread) error {
		token, err := mlx.FromSlice(t, []int32{198}, 1)
		if err != nil {
			return err
		}
		defer token.Close()
		var kv *cache.Cache
		b.ReportAllocs()
		for b.Loop() {
			if kv == nil || kv.Offset() == 40 {
				b.StopTimer()
				if kv, err = freshCache(t, m, kv); err != nil {
					return err
				}
				b.StartTimer()
			}
			logits, err := t.Build(func(s *mlx.Scope) mlx.Array { return m.Forward(s, token, kv) })
			if err = errors.Join(err, logits.Close()); err != nil {
				return err
			}
		}
		return kv.Close()
	}))
}

// freshCache closes old and makes a cache of 8 tokens.
func freshCache(t *mlx.Thread, m *models.Model, old *cache.Cache) (*cache.Cache, error) {
	if old != nil {
		if err := old.Close(); err != nil {
			return nil, err
		}
	}
	kv := m.NewCache(t)
	return kv, prefill(t, m, kv, []int32{1, 9690, 198, 2683, 359, 253, 5356, 5646})
}
