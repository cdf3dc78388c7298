package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

func TestRequirements(t *testing.T) {
	both := []string{"mlx==" + native.MLXVersion, "mlx-lm==0.32.2"}
	for name, c := range map[string]struct {
		goos     string
		gpu      bool
		has, not string
	}{
		"Linux":               {"linux", false, "mlx-cpu==" + native.MLXVersion, "mlx-cuda-13==" + native.MLXVersion},
		"Linux with a GPU":    {"linux", true, "mlx-cuda-13==" + native.MLXVersion, "mlx-cpu==" + native.MLXVersion},
		"a Mac has it in mlx": {"darwin", true, "mlx-lm==0.32.2", "mlx-cuda-13==" + native.MLXVersion},
	} {
		t.Run(name, func(t *testing.T) {
			got := requirements(c.goos, c.gpu)
			require.Subset(t, got, append(both, c.has))
			require.NotContains(t, got, c.not)
		})
	}
}

// fakePython puts a python3 on the PATH that makes environments of itself and
// notes how it was called. It fails at any call that mentions fail.
func fakePython(t *testing.T, fail string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(dir, "python3")
	note := filepath.Join(dir, "calls")
	require.NoError(t, os.WriteFile(script, []byte(`#!/bin/sh
echo "$@" >> `+note+`
case "$*" in *"`+fail+`"*) exit 3;; esac
case "$2" in venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python";; esac
case "$2" in convert) mkdir -p "$4/f32";; esac
`), 0o700))
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir()) // where a Mac has its cache
	return func() string {
		data, err := os.ReadFile(note)
		require.NoError(t, err)
		return string(data)
	}
}

func TestEnvironmentIsMadeOnce(t *testing.T) {
	calls := fakePython(t, "nothing")
	python, err := environment(t.Context(), "", false, t.Output())
	require.NoError(t, err)
	require.FileExists(t, python)
	made := calls()
	require.Contains(t, made, "-m venv ")
	require.Contains(t, made, "-m pip install")
	require.Contains(t, made, "mlx-lm==0.32.2")
	again, err := environment(t.Context(), "", false, t.Output())
	require.NoError(t, err)
	require.Equal(t, python, again)
	require.Equal(t, made, calls())
}

func TestEnvironmentIsMadeAgainAfterAFailure(t *testing.T) {
	fakePython(t, "pip install")
	_, err := environment(t.Context(), "", false, t.Output())
	require.ErrorContains(t, err, "exit status 3")
	cache := os.Getenv("XDG_CACHE_HOME")
	calls := fakePython(t, "nothing")
	t.Setenv("XDG_CACHE_HOME", cache)
	_, err = environment(t.Context(), "", false, t.Output())
	require.NoError(t, err)
	require.Contains(t, calls(), "-m pip install")
}

func TestEnvironmentThatIsNone(t *testing.T) {
	_, err := environment(t.Context(), t.TempDir(), false, t.Output())
	require.ErrorContains(t, err, "is no Python environment")
	t.Setenv("PATH", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	_, err = environment(t.Context(), "", false, t.Output())
	require.ErrorContains(t, err, "python3 is needed")
}

func TestConverted(t *testing.T) {
	calls := fakePython(t, "nothing")
	root, err := moduleRoot()
	require.NoError(t, err)
	dir, err := converted(t.Context(), "python3", root, "/models/a.gguf", t.Output())
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(dir, "f32"))
	require.Contains(t, calls(), "smollm2.py convert /models/a.gguf "+dir+".partial")
	require.NoDirExists(t, dir+".partial")

	before := calls()
	again, err := converted(t.Context(), "python3", root, "/models/a.gguf", t.Output())
	require.NoError(t, err)
	require.Equal(t, dir, again)
	require.Equal(t, before, calls(), "a second call converts nothing")
	other, err := converted(t.Context(), "python3", root, "/models/b.gguf", t.Output())
	require.NoError(t, err)
	require.NotEqual(t, dir, other)
}

func TestConvertedFails(t *testing.T) {
	fakePython(t, "convert")
	root, err := moduleRoot()
	require.NoError(t, err)
	_, err = converted(t.Context(), "python3", root, "/models/a.gguf", t.Output())
	require.ErrorContains(t, err, "bench: converting the model: exit status 3")
	left, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "go-mlx", "converted", "*"))
	require.NoError(t, err)
	for _, path := range left {
		require.Equal(t, ".lock", filepath.Ext(path), "nothing half done is left")
	}
}
