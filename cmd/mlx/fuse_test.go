package main

import (
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
