package tune_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// loadOnto loads a model, and an adapter onto it.
func loadOnto(t *testing.T, base, adapter string, opts ...models.Option) *models.Model {
	t.Helper()
	m := load(t, base, append([]models.Option{models.WithWeights(models.Packed)}, opts...)...)
	require.NoError(t, tune.Load(t.Context(), m, adapter))
	return m
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(text)
	}
	return out
}

// What was saved and loaded onto another model is trained further as if it had never
// been closed, and saved again it is the same bytes. Merged it computes the same, and
// has nothing left to train.
func TestLoadTrainMerge(t *testing.T) {
	for _, method := range []tune.Method{tune.LoRA, tune.DoRA} {
		for _, base := range []string{"gqa", "mixed", "bias"} {
			for _, form := range slices.Sorted(maps.Keys(forms)) {
				t.Run(string(method)+"/"+base+"/"+form, func(t *testing.T) {
					dir, first, second := tiny(t, base), filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
					m := load(t, dir, forms[form]...)
					require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Method: method, Rank: 4, Scale: 2, Dropout: 0.25}))
					descend(t, m, 5)
					require.NoError(t, tune.Save(t.Context(), m, first))
					again := loadOnto(t, dir, first, forms[form]...)
					require.Equal(t, nn.Trainable(m.Module()).Names(), nn.Trainable(again.Module()).Names())
					require.True(t, nn.Drops(again.Module()))
					require.NoError(t, tune.Save(t.Context(), again, second))
					require.Equal(t, contents(t, first), contents(t, second))
					require.Equal(t, descend(t, m, 5), descend(t, again, 5))

					adapted := logits(t, again)
					require.NoError(t, tune.Merge(t.Context(), again))
					require.Empty(t, nn.Trainable(again.Module()))
					bound := 1e-4
					if base == "mixed" {
						bound = 0.5 // what is packed again rounds
					}
					requireClose(t, adapted, logits(t, again), bound)
					require.ErrorContains(t, tune.Merge(t.Context(), again), "tune: merge: the model has no adapter")
					require.NoError(t, tune.Apply(t.Context(), again, tune.Config{Rank: 2})) // and from there on
				})
			}
		}
	}
}

// Weights that were trained themselves become the model's where it has them as
// numbers, and stay to be trained.
func TestLoadFull(t *testing.T) {
	dir, saved := tiny(t, "gqa"), filepath.Join(t.TempDir(), "full")
	m := load(t, dir, models.WithTraining())
	before := logits(t, m)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Method: tune.Full, Layers: 1}))
	descend(t, m, 5)
	require.NoError(t, tune.Save(t.Context(), m, saved))
	again := loadOnto(t, dir, saved, models.WithTraining())
	require.Equal(t, nn.Trainable(m.Module()).Names(), nn.Trainable(again.Module()).Names())
	require.NotEqual(t, before, logits(t, again))
	require.Equal(t, logits(t, m), logits(t, again))

	other := load(t, dir)
	before = logits(t, other)
	require.ErrorContains(t, tune.Load(t.Context(), other, saved), "adapter_config.json: model.layers.1.")
	require.ErrorContains(t, tune.Load(t.Context(), other, saved), "is kept for inference: load the model models.WithTraining")
	require.Equal(t, before, logits(t, other))
	smaller := load(t, tiny(t, "head_dim"), models.WithTraining())
	require.ErrorContains(t, tune.Load(t.Context(), smaller, saved), "has shape [")
}

// An adapter of another model, a second one and none are refused by file and name;
// the model stays as it was.
func TestLoadRefuses(t *testing.T) {
	dir, saved := tiny(t, "gqa"), filepath.Join(t.TempDir(), "adapters")
	m := load(t, dir)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{}))
	require.NoError(t, tune.Save(t.Context(), m, saved))
	require.ErrorContains(t, tune.Load(t.Context(), m, saved), "adapter_config.json: nn: load LoRA: model.layers.0.self_attn.q_proj has an adapter")
	other := load(t, tiny(t, "head_dim"))
	before := logits(t, other)
	require.ErrorContains(t, tune.Load(t.Context(), other, saved), "adapter weights of the wrong shape: model.layers.0.")
	require.ErrorContains(t, tune.Load(t.Context(), other, t.TempDir()), "adapter_config.json: no such file")
	require.Equal(t, before, logits(t, other))
	require.Empty(t, nn.Trainable(other.Module()))
	require.NoError(t, tune.Apply(t.Context(), other, tune.Config{}))
}

// A file of weights is loaded in place of the folder's own: mlx-lm writes some on the
// way.
func TestLoadFile(t *testing.T) {
	dir, saved, later := tiny(t, "gqa"), filepath.Join(t.TempDir(), "adapters"), filepath.Join(t.TempDir(), "later")
	m := load(t, dir)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{}))
	require.NoError(t, tune.Save(t.Context(), m, saved))
	descend(t, m, 3)
	require.NoError(t, tune.Save(t.Context(), m, later))
	file := filepath.Join(saved, "0000003_adapters.safetensors")
	require.NoError(t, os.Rename(filepath.Join(later, "adapters.safetensors"), file))
	require.Equal(t, logits(t, m), logits(t, loadOnto(t, dir, file)))
	require.NotEqual(t, logits(t, m), logits(t, loadOnto(t, dir, saved)))
	require.ErrorContains(t, tune.Load(t.Context(), load(t, dir), filepath.Join(saved, "0000009_adapters.safetensors")), "0000009_adapters.safetensors: no such file")
}

// Merged weights compute what the adapters did: experts' and embeddings' too, and of
// models within others.
func TestMergeComputesTheSame(t *testing.T) {
	var cases map[string]*parityCase
	readJSON(t, "parity.json", &cases)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		if c.Kind == tune.Full || len(c.Packed) > 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := load(t, c.folder(t))
			before := logits(t, m)
			require.NoError(t, tune.Apply(t.Context(), m, c.config()))
			setAdapters(t, m, ".lora_a", ".lora_b")
			adapted := logits(t, m)
			require.NotEqual(t, before, adapted)
			require.NoError(t, tune.Merge(t.Context(), m))
			requireClose(t, adapted, logits(t, m), 1e-4)
		})
	}
}
