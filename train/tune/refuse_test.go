package tune_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// What cannot be is refused by its field, and the model stays as it was.
func TestApplyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		config tune.Config
		want   string
	}{
		"method":          {tune.Config{Method: "prefix"}, `method "prefix" is none of lora, dora and full`},
		"negative rank":   {tune.Config{Rank: -1}, "rank: -1 is not between 1 and"},
		"absurd rank":     {tune.Config{Rank: math.MaxInt}, "is not between 1 and"},
		"rank too high":   {tune.Config{Rank: 1000}, "rank: 1000 is more than any of the layers has: at most"},
		"infinite scale":  {tune.Config{Scale: math.Inf(1)}, "scale: +Inf is not finite"},
		"scale and alpha": {tune.Config{Scale: 1, Alpha: 1}, "scale 1 and alpha 1: give one of them"},
		"dropout":         {tune.Config{Dropout: 1}, "dropout: 1 is not in [0, 1)"},
		"layers":          {tune.Config{Layers: 3}, "layers: 3 of the last blocks, the model has 2"},
		"keys":            {tune.Config{Keys: []string{"self_attn.q_prj"}}, `keys: "self_attn.q_prj" is no layer that can be trained; there are lm_head, mlp.down_proj, `},
		"full":            {tune.Config{Method: tune.Full}, "is kept for inference: load the model models.WithTraining"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, tiny(t, "gqa"))
			require.ErrorContains(t, tune.Apply(t.Context(), m, c.config), "tune: apply: ")
			require.ErrorContains(t, tune.Apply(t.Context(), m, c.config), c.want)
			require.Empty(t, nn.Trainable(m.Module()))
			require.ErrorContains(t, tune.Save(t.Context(), m, t.TempDir()), "the model has no adapter, and none of its weights is trained")
		})
	}
}

// A second adapter, and one of another model, are refused; nothing is written.
func TestAdaptersOfOthers(t *testing.T) {
	dir, saved := tiny(t, "gqa"), filepath.Join(t.TempDir(), "adapters")
	m := load(t, dir)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{}))
	require.ErrorContains(t, tune.Apply(t.Context(), m, tune.Config{}), "already has an adapter")
	require.NoError(t, tune.Save(t.Context(), m, saved))
	other := tiny(t, "head_dim")
	_, err := models.Load(t.Context(), other, models.WithAdapter(saved))
	require.ErrorContains(t, err, "adapter weights of the wrong shape: model.layers.0.")
	to := filepath.Join(t.TempDir(), "fused")
	_, err = convert.Folder(t.Context(), other, to, convert.Adapter(saved))
	require.ErrorContains(t, err, "adapter weights of the wrong shape: model.layers.0.")
	require.ErrorContains(t, err, "adapter_config.json")
	require.NoDirExists(t, to)
}

// The same seed draws the same adapters, another one others.
func TestSeed(t *testing.T) {
	first := func(seed uint64) []float32 {
		m := load(t, tiny(t, "gqa"))
		require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Seed: seed}))
		descend(t, m, 1) // B is zero before
		return logits(t, m)
	}
	require.Equal(t, first(1), first(1))
	require.NotEqual(t, first(1), first(2))
}
