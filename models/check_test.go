package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// What Check says of the memory is what loading takes.
func TestCheckAgreesWithLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a real model")
	}
	path := testmodels.RequireSmolLM2(t)
	for _, form := range []WeightForm{Dense, Packed} {
		opts := []Option{WithWeights(form), WithDtype(mlx.Float32)}
		n, err := Check(t.Context(), path, opts...)
		require.NoError(t, err)
		before := activeMemory(t)
		m := loadDefault(t, path, opts...)
		require.InEpsilon(t, activeMemory(t)-before, n.Weights, 0.03, form)
		require.Equal(t, m.Policy(), n.Policy)
		require.Equal(t, uint64(30*2*3*64*4*1000), n.Info.CacheBytes(1000), "30 layers of 3 heads of 64, in float32")
	}
}

func activeMemory(t *testing.T) (bytes uint64) {
	t.Helper()
	require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) (err error) {
		bytes, err = th.ActiveMemory()
		return err
	}))
	return bytes
}

// What Check refuses Load refuses, with the same words.
func TestCheckTellsWhy(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"config.json", `{"model_type": "gpt2"}`, `unknown architecture "gpt2"`},
		{"config.json", "", "config.json: no such file"},
		{"model.safetensors", "", "holds no weights"},
		{"tokenizer.json", "", "the model has no tokenizer"},
	} {
		dir := tiny(t, "plain")
		path := filepath.Join(dir, c.file)
		require.NoError(t, os.Remove(path))
		if c.text != "" {
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		}
		_, err := Check(t.Context(), dir)
		require.ErrorContains(t, err, c.want)
		_, err = Load(t.Context(), dir)
		require.ErrorContains(t, err, c.want)
	}
	dir := tiny(t, "plain") // without the weights of a third layer
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	require.NoError(t, err)
	more := strings.Replace(string(config), `"num_hidden_layers": 2`, `"num_hidden_layers": 3`, 1)
	require.NotEqual(t, string(config), more)
	require.NoError(t, os.WriteFile(path, []byte(more), 0o600))
	_, wrong := Check(t.Context(), dir)
	require.ErrorContains(t, wrong, "model.layers.2.")
	_, loaded := Load(t.Context(), dir)
	require.Equal(t, loaded.Error()[len("models: load "):], wrong.Error()[len("models: check "):])
}
