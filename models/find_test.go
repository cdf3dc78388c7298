package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/hub"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// onHub puts a folder's files on a played hub, which the environment names.
func onHub(t *testing.T, dir string) *hubtest.Hub {
	t.Helper()
	files := map[string]hubtest.Content{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = hubtest.Content{Data: string(data), Large: strings.HasSuffix(e.Name(), ".safetensors")}
	}
	h := hubtest.Play(t, files)
	h.Environment(t)
	return h
}

// TestLoadFromHub: a name is a model, downloaded once.
func TestLoadFromHub(t *testing.T) {
	h := onHub(t, tiny(t, "plain"))
	var last hub.Progress
	got := loadTest(t, "org/name", WithDownloadProgress(func(p hub.Progress) { last = p }))
	leaktest.Do(t, func(th *mlx.Thread) {
		ref := readReference(t, th, "plain")
		kv := got.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		requireClose(t, ref.logits, forward(t, th, got, kv, ref.tokens, ref.shape[0], ref.shape[1]), 1e-5, "logits of mlx-lm")
	})
	require.EqualValues(t, 3, last.Files)
	require.Equal(t, last.AllSize, last.AllDone)

	requests := h.Count("")
	h.Server.Close()
	loadTest(t, "org/name@main")
	require.Equal(t, requests, h.Count(""))
}

// TestPathBeforeHub: what is there as a path is not looked for elsewhere.
func TestPathBeforeHub(t *testing.T) {
	h := onHub(t, tiny(t, "plain"))
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll(filepath.Join("org", "name"), 0o755))
	_, err := Load(t.Context(), "org/name")
	require.ErrorContains(t, err, filepath.Join("org", "name", "config.json"))
	for _, path := range []string{"/org/name", "./org/other", "org/model.gguf", "name"} {
		_, err = Load(t.Context(), path)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	require.Zero(t, h.Count(""))
}

func TestLoadNotOnHub(t *testing.T) {
	h := onHub(t, tiny(t, "plain"))
	_, err := Load(t.Context(), "org/other")
	require.ErrorIs(t, err, hub.ErrRepoNotFound)
	require.ErrorContains(t, err, "models: load org/other: no such file or folder, and on the Hub: hub: org/other: ")
	_, err = Load(t.Context(), "org/name@v9")
	require.ErrorIs(t, err, hub.ErrRevisionNotFound)
	requests := h.Count("")
	t.Setenv("HF_HUB_OFFLINE", "1")
	_, err = Load(t.Context(), "org/name@v1")
	require.ErrorIs(t, err, hub.ErrNotCached)
	require.ErrorContains(t, err, "mlx pull org/name@v1")
	require.Equal(t, requests, h.Count(""))
}
