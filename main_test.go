package mlx_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// smolLM2 is the path of SmolLM2-135M-Instruct as a GGUF file.
func smolLM2() string {
	path, err := testmodels.SmolLM2(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return path
}

// chatTemplate writes a message of the system's as a, the user's as b, the
// assistant's as aa.
const chatTemplate = `{% for m in messages %}` +
	`{{ {'system': 'a', 'user': 'b', 'assistant': 'aa'}[m.role] }}{% endfor %}` +
	`{% if add_generation_prompt %}<e>{% endif %}`

// tiny makes a folder with a random model of two layers and a tokenizer that knows
// a, b and <e>, and returns its path. files are added to it.
func tiny(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range []string{
		"models/testdata/llama/gqa/config.json",
		"models/testdata/llama/gqa/model.safetensors",
		"tokenizer/testdata/tiny.json",
	} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		name := filepath.Base(from)
		if name == "tiny.json" {
			name = "tokenizer.json"
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// load loads a model that is closed at the end of the test.
func load(t *testing.T, path string, opts ...mlx.LoadOption) *mlx.Model {
	t.Helper()
	m, err := mlx.LoadModel(path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// collect runs a stream to its end.
func collect(t *testing.T, stream func(func(mlx.Token, error) bool)) (ids []int32, last mlx.Token) {
	t.Helper()
	for tok, err := range stream {
		require.NoError(t, err)
		ids, last = append(ids, tok.ID), tok
	}
	return ids, last
}
