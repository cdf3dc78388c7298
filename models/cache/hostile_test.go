package cache_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// file is a prompt cache to be spoilt.
type file struct {
	s      *mlx.Scope
	arrays map[string]mlx.Array
	meta   map[string]string
}

func (f *file) number(name string, n int) { f.arrays[name] = f.s.Scalar(float64(n), mlx.Int32) }

func (f *file) zeros(name string, dtype mlx.Dtype, shape ...int) {
	f.arrays[name] = f.s.Zeros(shape, dtype)
}

// A file that is no prompt cache, or whose parts do not fit together, is refused
// by its name, the layer and what is wrong; nothing stays open.
func TestLoadRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.safetensors")
	for want, spoil := range map[string]func(f *file){
		"no prompt cache":                              func(f *file) { f.meta["format"] = "mlx" },
		`metadata "1.2" is missing`:                    func(f *file) { delete(f.meta, "1.2") },
		`metadata "2.3" is missing`:                    func(f *file) { delete(f.meta, "2.3.1") },
		"19 scalars of 20 kinds":                       func(f *file) { f.meta["2.20.1"] = "none" },
		`layer 1: a "ChunkedKVCache" is not known`:     func(f *file) { f.meta["1.1"] = "ChunkedKVCache" },
		"layer 0, a ArraysCache: no arrays":            func(f *file) { f.meta["1.0"] = "ArraysCache" },
		"layer 0, a RotatingKVCache: \"0.4\" is no":    func(f *file) { f.meta["1.0"] = "RotatingKVCache" },
		`"0.1" is missing`:                             func(f *file) { delete(f.arrays, "0.1") },
		`"0.2" is missing`:                             func(f *file) { delete(f.arrays, "0.2") },
		`"0.2" is -1, want at least 0`:                 func(f *file) { f.number("0.2", -1) },
		"layer 0, a KVCache: 257 tokens in buffers of": func(f *file) { f.number("0.2", 257) },
		`"0.0" of shape [1 256 4] is no buffer`:        func(f *file) { f.zeros("0.0", mlx.Float32, 1, 256, 4) },
		"keys of shape [1 1 256 4] and values of shape": func(f *file) {
			f.zeros("0.1", mlx.Float32, 1, 2, 256, 4)
		},
		`"0.0" is int32`: func(f *file) { f.zeros("0.0", mlx.Int32, 1, 1, 256, 4) },
		"layer 1, a RotatingKVCache: 8 first tokens in a size of 8": func(f *file) { f.number("1.3", 8) },
		"layer 1, a RotatingKVCache: \"1.4\" is no number":          func(f *file) { f.number("1.4", 0) },
		"layer 1, a RotatingKVCache: token 11 is at 9 of 8":         func(f *file) { f.number("1.5", 9) },
		"layer 1, a RotatingKVCache: token 11 is at 3 of 8":         func(f *file) { f.number("1.5", 3) },
		"layer 1, a RotatingKVCache: token 2 is at 7 of 8":          func(f *file) { f.number("1.2", 2) },
		"layer 2, a RotatingKVCache: token 9 is at 8 of 9, of size": func(f *file) { f.number("2.5", 8) },
		"layer 4, a QuantizedKVCache: cache: 7 bits":                func(f *file) { f.number("4.4", 7) },
		"layer 4, a QuantizedKVCache: cache: groups of 33":          func(f *file) { f.number("4.3", 33) },
		`"4.0.1" of shape [1 1 256 1]`:                              func(f *file) { f.number("4.4", 2); f.number("4.3", 64); f.zeros("4.0.0", mlx.Uint32, 1, 1, 256, 8) },
		`"4.1.0" is float32`:                                        func(f *file) { f.zeros("4.1.0", mlx.Float32, 1, 1, 256, 4) },
		`"4.1.2" is missing`:                                        func(f *file) { delete(f.arrays, "4.1.2") },
		"layer 5, a ArraysCache: no arrays, or rows":                func(f *file) { f.zeros("5.2", mlx.Int32, 1); delete(f.meta, "2.19.0"); delete(f.meta, "2.19.1") },
		`"5.0.0" is float32 of shape []`:                            func(f *file) { f.zeros("5.0.0", mlx.Float32) },
		`"5.0.0": float32 of shape [1 3 4] is no number`:            func(f *file) { f.meta["2.17.0"], f.meta["2.17.1"] = "5.0.0", "scalar" },
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			rewrite(t, th, path, spoil)
			_, _, err := cache.Load(th, path)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "cache: load "+path+": ")
		})
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		_, _, err := cache.Load(th, filepath.Join(t.TempDir(), "none.safetensors"))
		require.ErrorContains(t, err, "none.safetensors")
	})
}

// rewrite spoils the file of mlx-lm.
func rewrite(t *testing.T, th *mlx.Thread, path string, spoil func(f *file)) {
	t.Helper()
	arrays, meta, err := mlx.LoadSafetensors(th, theirs("mlxlm"))
	require.NoError(t, err)
	opened := slices.Collect(maps.Values(arrays))
	var names []string
	made, err := th.BuildAll(func(s *mlx.Scope) (all []mlx.Array) {
		spoil(&file{s, arrays, meta})
		for name, a := range arrays {
			names, all = append(names, name), append(all, a)
		}
		return all
	})
	require.NoError(t, err)
	for i, name := range names {
		arrays[name] = made[i]
	}
	require.NoError(t, mlx.SaveSafetensors(th, path, arrays, meta))
	require.NoError(t, mlx.CloseAll(append(made, opened...)...))
}
