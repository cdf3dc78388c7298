package runtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// mlxlm is a checkpoint that mlx-lm saved, in three shards.
const mlxlm = "../models/safetensors/testdata/sharded"

func TestLoadShardsOfMLXLM(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, err := mlx.LoadShards(th, mlxlm)
		require.NoError(t, err)
		require.Len(t, arrays, 3)
		for i, name := range []string{"a", "b", "c"} {
			v := read[float32](t, th, arrays[name])
			require.Len(t, v, 32)
			require.InDelta(t, i, v[31], 0)
		}
	})
}

// TestSaveShardsAsMLXLM writes the checkpoint again: the index is the same, byte
// for byte.
func TestSaveShardsAsMLXLM(t *testing.T) {
	dir := t.TempDir()
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, err := mlx.LoadShards(th, mlxlm)
		require.NoError(t, err)
		require.NoError(t, mlx.SaveShards(th, dir, arrays, mlx.WithShardSize(128), mlx.WithTotalParameters(0)))
		closeAll(t, arrays)
		arrays, metadata, err := mlx.LoadSafetensors(th, filepath.Join(dir, "model-00002-of-00003.safetensors"))
		require.NoError(t, err)
		require.Equal(t, map[string]string{"format": "mlx"}, metadata)
		require.InDelta(t, 1, read[float32](t, th, arrays["b"])[0], 0)
	})
	want, err := os.ReadFile(filepath.Join(mlxlm, "model.safetensors.index.json"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(dir, "model.safetensors.index.json"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.Len(t, names(t, dir), 4)
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestOneShard(t *testing.T) {
	dir := t.TempDir()
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := everyDtype(t, th)
		defer closeAll(t, arrays)
		require.NoError(t, mlx.SaveShards(th, dir, arrays, mlx.WithShardMetadata(map[string]string{"a": "b"})))
		require.Equal(t, []string{"model.safetensors", "model.safetensors.index.json"}, names(t, dir))
		require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors.index.json")))
		again, err := mlx.LoadShards(th, dir)
		require.NoError(t, err)
		require.Len(t, again, len(arrays))
		closeAll(t, again)
	})
}

// TestSaveShardsFailsAsAWhole: no shard is replaced when the last cannot be
// written.
func TestSaveShardsFailsAsAWhole(t *testing.T) {
	dir := t.TempDir()
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := map[string]mlx.Array{}
		for i := range 4 {
			arrays[fmt.Sprint("t", i)] = slice(t, th, ramp[int32](4))
		}
		defer closeAll(t, arrays)
		require.NoError(t, mlx.SaveShards(th, dir, arrays, mlx.WithShardSize(16)))
		before := hashes(t, dir)
		require.Len(t, before, 5)
		require.NoError(t, mlx.CloseAll(arrays["t0"], arrays["t3"]))
		arrays["t0"], arrays["t3"] = slice(t, th, []float32{9, 9, 9, 9}), build(t, th, func(s *mlx.Scope) mlx.Array {
			return s.Reshape(s.Inv(s.Zeros([]int{2, 2}, mlx.Float32)), 4)
		})
		err := mlx.SaveShards(th, dir, arrays, mlx.WithShardSize(16))
		require.ErrorContains(t, err, `mlx: save_shards: tensor "t3": `)
		require.Equal(t, before, hashes(t, dir))
		require.ErrorContains(t, mlx.SaveShards(th, dir, nil), "there are no arrays")
		require.ErrorContains(t, mlx.SaveShards(th, dir, map[string]mlx.Array{"n": {}}), `tensor "n": the array is null`)
	})
}

func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, n := range names(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, n))
		require.NoError(t, err)
		out[n] = hash(raw)
	}
	return out
}

func TestLoadShardsOfBadFolders(t *testing.T) {
	dir := t.TempDir()
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := mlx.LoadShards(th, dir)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.NoError(t, os.CopyFS(dir, os.DirFS(mlxlm)))
		require.NoError(t, os.Remove(filepath.Join(dir, "model-00002-of-00003.safetensors")))
		_, err = mlx.LoadShards(th, dir)
		require.ErrorContains(t, err, "mlx: load_shards: ")
		require.ErrorContains(t, err, "model-00002-of-00003.safetensors")
		require.NoError(t, os.Truncate(filepath.Join(dir, "model-00003-of-00003.safetensors"), 100))
		_, err = mlx.LoadShards(th, dir)
		require.ErrorContains(t, err, "model-00003-of-00003.safetensors: ")
	})
}
