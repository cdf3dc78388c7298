package tune_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) {
	os.Setenv("OPENBLAS_NUM_THREADS", "1") // most matrices are tiny, and threads wait for each other
	leaktest.Main(m)
}

// tiny makes a folder of a tiny llama of package models' tests.
func tiny(t *testing.T, name string) string {
	t.Helper()
	dir, from := t.TempDir(), filepath.Join("..", "..", "models", "testdata", "llama", name)
	for from, to := range map[string]string{
		filepath.Join(from, "config.json"):                              "config.json",
		filepath.Join(from, "model.safetensors"):                        "model.safetensors",
		filepath.Join("..", "..", "tokenizer", "testdata", "tiny.json"): "tokenizer.json",
	} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), data, 0o600))
	}
	return dir
}

// onThread is leaktest.Do without a check, for what changes a model that is open.
func onThread(t *testing.T, f func(th *mlx.Thread)) {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
		f(th)
		return nil
	}))
}

// load loads a model that is closed at the end of the test, when nothing else may be
// open. Its products are exact, as training's are: logits are compared closer than
// activations are rounded otherwise.
func load(t *testing.T, path string, opts ...models.Option) *models.Model {
	t.Helper()
	leaktest.Check(t)
	m, err := models.Load(t.Context(), path, append([]models.Option{models.WithExactProducts()}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

var someTokens = []int32{1, 5, 9, 2, 7, 7, 3, 4, 0, 8, 6, 2}

// logits are those of someTokens as two rows.
func logits(t *testing.T, m *models.Model) (out []float32) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		a, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.Logits(s, mlx.Const(s, someTokens, 2, 6)) })
		require.NoError(t, err)
		defer a.Close()
		out, err = mlx.Values[float32](th, a)
		require.NoError(t, err)
	})
	return out
}

func requireClose(t *testing.T, want, have []float32, bound float64) {
	t.Helper()
	require.Len(t, have, len(want))
	for i := range want {
		require.InDelta(t, want[i], have[i], bound, "logit %d", i)
	}
}
