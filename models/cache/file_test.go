package cache_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var mlxLM = flag.String("mlxlm", "", "a Python with mlx-lm 0.32.2, for the test that it reads what is saved here")

// theirs is a file that mlx-lm wrote (testdata/promptcache.py).
func theirs(name string) string { return filepath.Join("testdata", name+".safetensors") }

// numbers are tokens [begin, end) of promptcache.py.
func numbers(s *mlx.Scope, begin, end, dim int, plus float32) mlx.Array {
	var out []float32
	for t := begin; t < end; t++ {
		for d := range dim {
			out = append(out, float32((7*t+3*d)%11)/8+plus)
		}
	}
	return mlx.Const(s, out, 1, 1, end-begin, dim)
}

// push puts tokens into a layer, and returns the attention of the last of them.
func push(t *testing.T, th *mlx.Thread, l cache.Layer, dim, n int) []float32 {
	t.Helper()
	at := l.Offset()
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		k := numbers(s, at, at+n, dim, 0)
		return l.(cache.KV).Attend(s, k, k, numbers(s, at, at+n, dim, 1), cache.Attention{Scale: 1})
	})
	require.NoError(t, err)
	defer out.Close()
	values, err := mlx.Values[float32](th, out)
	require.NoError(t, err)
	return values
}

// dims are the widths of the layers that attend.
var dims = []int{4, 4, 4, 4, 32}

// ours makes the layers of promptcache.py.
func ours(t *testing.T, th *mlx.Thread) *cache.Cache {
	t.Helper()
	all := cache.New(th, []cache.Kind{cache.Full(), cache.Full(), cache.Sliding(6), cache.Sliding(300), cache.Full(), cache.Recurrent(3)})
	bounded := cache.New(th, []cache.Kind{cache.Full()}, cache.WithMaxSize(8))
	packed := cache.New(th, []cache.Kind{cache.Full()}, cache.WithBits(4, 32))
	t.Cleanup(func() {
		for _, c := range []*cache.Cache{all, bounded, packed} {
			require.NoError(t, c.Close())
		}
	})
	all.Layers[1], all.Layers[4] = bounded.Layers[0], packed.Layers[0]
	for i, chunks := range [][]int{{5, 1, 1}, {5, 1, 1, 1, 1, 1, 1}, {4, 5}, {1, 1}, {3, 1}} {
		for _, n := range chunks {
			push(t, th, all.Layers[i], dims[i], n)
		}
	}
	_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		r := all.Recurrent(s, 5)
		r.Set(s, 0, s.Reshape(numbers(s, 0, 3, 4, 0), 1, 3, 4))
		r.Set(s, 2, numbers(s, 3, 5, 2, 0))
		r.Advance(s, 5)
		return nil
	})
	require.NoError(t, err)
	return all
}

// requireSameFile compares names, types, shapes, bytes and metadata.
func requireSameFile(t *testing.T, want, have string) {
	t.Helper()
	type tensor struct {
		dtype safetensors.DType
		shape []int
		bytes string
	}
	read := func(path string) (map[string]tensor, map[string]string) {
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		defer f.Close()
		out := map[string]tensor{}
		for _, info := range f.Tensors {
			data, err := f.Data(info)
			require.NoError(t, err)
			out[info.Name] = tensor{info.DType, info.Shape, string(data)}
		}
		return out, f.Metadata
	}
	wantArrays, wantMeta := read(want)
	haveArrays, haveMeta := read(have)
	require.Equal(t, wantMeta, haveMeta)
	require.Equal(t, wantArrays, haveArrays)
}

var note = map[string]string{"model": "tiny", "note.of": "five layers"}

// Caches that have seen the same tokens are saved as mlx-lm saves them, to the
// byte of every tensor.
func TestSaveEqualsMLXLM(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ours.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		require.NoError(t, cache.Save(th, path, ours(t, th), note))
		requireSameFile(t, theirs("mlxlm"), path)
		empty := cache.New(th, []cache.Kind{cache.Full()})
		defer empty.Close()
		require.NoError(t, cache.Save(th, path, empty, nil))
		c, meta, err := cache.Load(th, path)
		require.NoError(t, err)
		require.Empty(t, meta)
		require.Zero(t, c.Offset())
		require.NoError(t, c.Close())
	})
}

// What mlx-lm saved is loaded, goes on as if it had never stopped, and is saved
// again as it was.
func TestLoadFromMLXLM(t *testing.T) {
	again := filepath.Join(t.TempDir(), "again.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		want := ours(t, th)
		for _, name := range []string{"empty", "mlxlm"} {
			c, meta, err := cache.Load(th, theirs(name))
			require.NoError(t, err)
			require.NoError(t, cache.Save(th, again, c, meta))
			requireSameFile(t, theirs(name), again)
			if name == "empty" {
				push(t, th, c.Layers[0], 4, 3)
				push(t, th, c.Layers[1], 4, 9)
				push(t, th, c.Layers[2], 64, 3)
				require.NoError(t, c.Close())
				continue
			}
			require.Equal(t, note, meta)
			require.Equal(t, 11, c.Layers[5].Offset(), "as many as the layer that has seen most")
			for i, dim := range dims {
				require.Equal(t, want.Layers[i].Offset(), c.Layers[i].Offset())
				for _, n := range []int{1, 1, 7, 1} {
					require.Equal(t, push(t, th, want.Layers[i], dim, n), push(t, th, c.Layers[i], dim, n), "layer %d", i)
				}
			}
			require.NoError(t, c.Close())
		}
	})
}

// Rotating and quantised at once has no class in mlx-lm; here it is read again.
func TestSaveRotatingQuantised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full()}, cache.WithMaxSize(9), cache.WithBits(8, 32))
		defer kv.Close()
		for range 14 {
			push(t, th, kv.Layers[0], 32, 1)
		}
		require.NoError(t, cache.Save(th, path, kv, nil))
		c, _, err := cache.Load(th, path)
		require.NoError(t, err)
		defer c.Close()
		for _, n := range []int{1, 3, 1} {
			require.Equal(t, push(t, th, kv.Layers[0], 32, n), push(t, th, c.Layers[0], 32, n))
		}
	})
}

// A file that cannot be written leaves what was there, and so does a cache that
// cannot be saved.
func TestSaveWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cache.safetensors")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	leaktest.Do(t, func(th *mlx.Thread) {
		padded := cache.New(th, []cache.Kind{cache.Full(), cache.Sliding(3)}, cache.WithLeftPadding(1, 0))
		defer padded.Close()
		require.EqualError(t, cache.Save(th, path, padded, nil), "cache: save: layer 0: rows of different lengths cannot be saved: extract them first")
		u := padded.Uncached()
		require.ErrorContains(t, cache.Save(th, path, u, nil), "cannot be saved")
		good := cache.New(th, []cache.Kind{cache.Full()})
		defer good.Close()
		require.Error(t, cache.Save(th, filepath.Join(dir, "no", "such.safetensors"), good, nil))
		th.FailAt(1, os.ErrDeadlineExceeded)
		require.ErrorIs(t, cache.Save(th, path, good, nil), os.ErrDeadlineExceeded)
		th.FailAt(0, nil)
	})
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "before", string(data))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

// mlx-lm itself loads what is saved here, and saves it as it is: run with
// -mlxlm=python.
func TestMLXLMReadsOurs(t *testing.T) {
	if *mlxLM == "" {
		t.Skip("-mlxlm names no Python")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "ours.safetensors"), filepath.Join(dir, "theirs.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		require.NoError(t, cache.Save(th, from, ours(t, th), note))
		out, err := exec.CommandContext(t.Context(), *mlxLM, filepath.Join("testdata", "promptcache.py"), from, to).CombinedOutput()
		require.NoError(t, err, strings.TrimSpace(string(out)))
		requireSameFile(t, from, to)
	})
}
