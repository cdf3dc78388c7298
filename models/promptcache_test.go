package models

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A generation that stops, is saved, loaded and goes on says what an unbroken one
// says.
func TestGenerationGoesOnFromASavedCache(t *testing.T) {
	leaktest.Check(t)
	ref := readKVReference(t)
	m := ref.load(t)
	for _, name := range []string{"plain", "max 64", "max 64, long prompt", "4 bits", "8 bits after 50"} {
		t.Run(name, func(t *testing.T) {
			c := ref.Cases[name]
			path := filepath.Join(t.TempDir(), "cache.safetensors")
			half := len(c.Tokens) / 2
			all := append(append([]int32{}, c.Prompt...), c.Tokens...)
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := m.NewCache(th, cache.WithMaxSize(c.MaxKVSize))
				defer kv.Close()
				c.MaxKVSize = 0 // the cache has it
				opts := append(c.options(), generate.WithCache(kv), generate.WithMaxTokens(half))
				require.Equal(t, c.Tokens[:half], greedy(t, m, c.Prompt, opts...))
				require.NoError(t, cache.Save(th, path, kv, map[string]string{"case": name}))
			})
			leaktest.Do(t, func(th *mlx.Thread) {
				kv, meta, err := m.LoadCache(th, path)
				require.NoError(t, err)
				defer kv.Close()
				require.Equal(t, map[string]string{"case": name}, meta)
				opts := append(c.options(), generate.WithCache(kv), generate.WithMaxTokens(len(c.Tokens)-half))
				require.Equal(t, c.Tokens[half:], greedy(t, m, all[kv.Offset():len(c.Prompt)+half], opts...))
			})
		})
	}
}

// A cache of another model is an error that names the file and the layer.
func TestLoadCacheOfAnotherModel(t *testing.T) {
	leaktest.Check(t)
	load := func(file, name string) *Model {
		return loadTest(t, parityCases(t, file)[name].folder(t), WithDtype(mlx.Float32))
	}
	llama, wide, window := load("llama", "plain"), load("llama", "wide heads"), load("mistral", "window")
	recurrent, deep := load("qwen3_next", "plain"), load("gemma3_text", "tied")
	path := filepath.Join(t.TempDir(), "cache.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		saved := func(m *Model, opts ...cache.Option) string {
			kv := m.NewCache(th, opts...)
			defer kv.Close()
			forward(t, th, m, kv, []int32{1, 2, 3}, 1, 3)
			require.NoError(t, cache.Save(th, path, kv, nil))
			return path
		}
		for _, c := range []struct {
			of, into *Model
			opts     []cache.Option
			want     string
		}{
			{llama, llama, nil, ""}, {window, window, nil, ""}, {recurrent, recurrent, nil, ""}, {deep, deep, nil, ""},
			{llama, llama, []cache.Option{cache.WithMaxSize(2)}, ""}, {deep, deep, []cache.Option{cache.WithMaxSize(2)}, ""},
			{llama, wide, nil, "layer 0: shapes [[2 16] [2 16]], the model has [["},
			{llama, window, nil, "layer 0: a *cache.KVCache, the model has a window of 7 tokens"},
			{llama, recurrent, nil, "layers, the model has"},
			{llama, deep, nil, "2 layers, the model has"},
		} {
			kv, _, err := c.into.LoadCache(th, saved(c.of, c.opts...))
			if c.want == "" {
				require.NoError(t, err)
				forward(t, th, c.into, kv, []int32{4}, 1)
				require.Equal(t, 4, kv.Offset())
				require.NoError(t, kv.Close())
				continue
			}
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, path)
		}
	})
}
