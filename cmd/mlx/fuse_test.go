package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// A model with its adapter merged is one that loads; an adapter of nothing is told.
func TestFuse(t *testing.T) {
	leaktest.Check(t)
	base, dir := tinyFolder(t), t.TempDir()
	m, err := models.Load(t.Context(), base)
	require.NoError(t, err)
	require.NoError(t, tune.Apply(t.Context(), m, tune.Config{}))
	require.NoError(t, tune.Save(t.Context(), m, filepath.Join(dir, "adapters")))
	require.NoError(t, m.Close())
	to := filepath.Join(dir, "fused")
	o := call(t, "", "fuse", "--model", base, "--adapter-path", filepath.Join(dir, "adapters"), "--save-path", to, "--de-quantize")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, to+": ")
	fused, err := models.Load(t.Context(), to)
	require.NoError(t, err)
	require.NoError(t, fused.Close())
	o = call(t, "", "fuse", "--model", base, "--adapter-path", base, "--save-path", filepath.Join(dir, "other"))
	require.Equal(t, exitFailed, o.code)
	require.Contains(t, o.err, "adapter_config.json")
	require.NoDirExists(t, filepath.Join(dir, "other"))
}

// With --export-gguf there is a file of the merged weights too. The folder and the file
// answer what was trained; what was adapted may be a .gguf file.
func TestFuseToGGUF(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a real model")
	}
	leaktest.Check(t)
	data, adapter, fused := t.TempDir(), filepath.Join(t.TempDir(), "adapters"), filepath.Join(t.TempDir(), "fused")
	row := `{"prompt": "What is 2 plus 3?", "completion": "Twenty."}` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(data, "train.jsonl"), []byte(row), 0o600))
	o := call(t, "", "train", "--model=smollm2", "--data", data, "--adapter-path", adapter, "--iters=8", "--batch-size=1", "--num-layers=2",
		"--learning-rate=1e-3", "--mask-prompt", "-q")
	require.Zero(t, o.code, o.err)
	o = call(t, "", "fuse", "--model=smollm2", "--adapter-path", adapter, "--save-path", fused, "--export-gguf", "--gguf-path=small.gguf", "--outtype=q4_1")
	require.Zero(t, o.code, o.err)
	require.Regexp(t, `/fused: 110 MiB in 1 file, .*\n\S*/fused/small\.gguf: 9\d MiB in 1 file, 5\.\d+ bits per weight\n$`, o.out)
	for _, model := range []string{fused, filepath.Join(fused, "small.gguf")} {
		o := call(t, "", "generate", "--model", model, "-p", "What is 2 plus 3?", "--max-tokens=2")
		require.Zero(t, o.code, o.err)
		require.Contains(t, o.out, "Twenty", model)
	}
}
