package tune_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// A key decides what is dropped; without one nothing is.
func TestDropoutFollowsItsKey(t *testing.T) {
	m := load(t, tiny(t, "gqa"))
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Dropout: 0.5}))
	require.True(t, nn.Drops(m.Module()))
	setAdapters(t, m, ".lora_a", ".lora_b")
	dropped := func(seed uint64) (out []float32) {
		onThread(t, func(th *mlx.Thread) {
			a, err := th.Build(func(s *mlx.Scope) (a mlx.Array) {
				nn.Dropping(s, m.Module(), s.RandomKey(seed), func() { a = m.Logits(s, mlx.Const(s, someTokens, 2, 6)) })
				return a
			})
			require.NoError(t, err)
			defer a.Close()
			out, err = mlx.Values[float32](th, a)
			require.NoError(t, err)
		})
		return out
	}
	whole := logits(t, m)
	require.Equal(t, dropped(1), dropped(1))
	require.NotEqual(t, dropped(1), dropped(2))
	require.NotEqual(t, whole, dropped(1))
	require.Equal(t, whole, logits(t, m))
}
