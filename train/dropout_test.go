package train_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// adapted is a tiny model with adapters of that dropout.
func adapted(t *testing.T, dropout float64) *models.Model {
	t.Helper()
	m := tinyModel(t)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Rank: 4, Scale: 2, Dropout: dropout}))
	return m
}

// Adapters are trained and nothing else is; dropout follows from the seed, also where
// blocks run again and where a run goes on.
func TestDropoutFollowsFromTheSeed(t *testing.T) {
	leaktest.Check(t)
	run := func(m *models.Model, opts ...train.Option) (losses, map[string][]float32) {
		l := losses{}
		run, err := train.New(t.Context(), m, newSource(), options(l, append(opts, train.WithIters(10))...)...)
		require.NoError(t, err)
		require.NoError(t, run.Run(t.Context()))
		require.NoError(t, run.Close())
		return l, weights(t, m)
	}
	m := adapted(t, 0.5)
	before := weights(t, m)
	want, w := run(m)
	for name, v := range w {
		if l, _ := m.Parameters().Find(name); l.Frozen() {
			require.Equal(t, before[name], v, name)
		}
	}
	require.Len(t, nn.Trainable(m.Module()), 2*2*7)
	again, w2 := run(adapted(t, 0.5))
	require.Equal(t, want, again)
	require.Equal(t, w, w2)
	without, _ := run(adapted(t, 0))
	require.NotEqual(t, want, without)
	other, _ := run(adapted(t, 0.5), train.WithSeed(1))
	require.NotEqual(t, want, other)
	recomputed, _ := run(adapted(t, 0.5), train.WithRecompute())
	for iter, loss := range want {
		require.InDelta(t, loss, recomputed[iter], 1e-4)
	}

	dir, have := t.TempDir(), losses{}
	first, err := train.New(t.Context(), adapted(t, 0.5), newSource(), options(have, train.WithIters(5), train.WithDir(dir))...)
	require.NoError(t, err)
	require.NoError(t, first.Run(t.Context()))
	require.NoError(t, first.Close())
	second, err := train.Resume(t.Context(), adapted(t, 0.5), newSource(), dir, options(have, train.WithIters(10))...)
	require.NoError(t, err)
	require.NoError(t, second.Run(t.Context()))
	require.NoError(t, second.Close())
	require.Equal(t, want, have)
}
