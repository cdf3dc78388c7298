package models

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// tiny makes a folder of one of the cases of testdata/llama (llama_tiny.py), with
// a tokenizer, and returns its path.
func tiny(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join("testdata", "llama", name)
	for _, file := range []string{"config.json", "model.safetensors"} {
		copyFile(t, filepath.Join(from, file), filepath.Join(dir, file))
	}
	copyFile(t, filepath.Join("..", "tokenizer", "testdata", "tiny.json"), filepath.Join(dir, "tokenizer.json"))
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o600))
}

// loadTest loads a model that is closed at the end of the test. Its products are
// exact, so that it can be held against references.
func loadTest(t *testing.T, path string, opts ...Option) *Model {
	t.Helper()
	return loadDefault(t, path, append([]Option{WithExactProducts()}, opts...)...)
}

// loadDefault is loadTest with products as they are by default.
func loadDefault(t *testing.T, path string, opts ...Option) *Model {
	t.Helper()
	m, err := Load(t.Context(), path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}
