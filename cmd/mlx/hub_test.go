package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

// playModel plays a hub that has small weights and a GGUF file.
func playModel(t *testing.T) (h *hubtest.Hub, cache string) {
	t.Helper()
	h = hubtest.Play(t, map[string]hubtest.Content{
		"config.json":       {Data: "{}"},
		"model.safetensors": {Data: strings.Repeat("weights ", 1000), Large: true},
		"x-Q4_0.gguf":       {Data: "GGUF", Large: true},
		"pytorch_model.bin": {Data: "pickle", Large: true},
	})
	return h, h.Environment(t)
}

func TestPullListRm(t *testing.T) {
	_, cache := playModel(t)
	dir := filepath.Join(cache, "models--org--name", "snapshots", hubtest.Commit1)

	o := call(t, "", "list")
	require.Zero(t, o.code)
	require.Empty(t, o.out)
	require.Contains(t, o.err, "no models in "+cache)

	o = call(t, "", "pull", "org/name")
	require.Zero(t, o.code, o.err)
	require.Equal(t, dir+"\n", o.out)
	lines := strings.Split(strings.TrimSpace(o.err), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, "downloading org/name: 8.0 kB, 2 files", lines[0])
	require.Contains(t, o.err, "model.safetensors (8.0 kB)\n")
	require.True(t, strings.HasPrefix(lines[2], "100%  "), lines[2])
	require.NotContains(t, o.err, "\x1b")

	o = call(t, "", "pull", "org/name", "--json")
	require.Zero(t, o.code)
	require.Empty(t, o.err, "nothing is missing")
	require.JSONEq(t, `{"model":"org/name","path":"`+dir+`"}`, o.out)

	o = call(t, "", "pull", "-q", "org/name@refs/pr/1", "--file=q4_0")
	require.Zero(t, o.code, o.err)
	require.Empty(t, o.err)
	require.Equal(t, filepath.Join(dir, "x-Q4_0.gguf")+"\n", o.out)

	o = call(t, "", "pull", "-q", "org/name", "--include=*.bin", "--include=*.json", "--exclude=config*")
	require.Zero(t, o.code, o.err)
	require.FileExists(t, filepath.Join(dir, "pytorch_model.bin"))

	o = call(t, "", "list")
	require.Zero(t, o.code)
	require.Regexp(t, `(?s)^MODEL +REVISION +COMMIT +SIZE +LAST USED\norg/name +main,refs/pr/1 +11111111 +8\.0 kB +.*now.*\n$`, o.out)

	o = call(t, "", "list", "--json")
	var line snapshotJSON
	require.NoError(t, json.Unmarshal([]byte(o.out), &line))
	require.Equal(t, "org/name", line.Model)
	require.Equal(t, dir, line.Path)
	require.EqualValues(t, 8012, line.Size)
	require.Equal(t, 4, line.Files)

	requireSentence(t, call(t, "y\n", "rm", "org/name"), exitFailed, "org/name was not removed", "--yes")
	require.DirExists(t, dir)
	o = call(t, "", "rm", "--yes", "org/name")
	require.Zero(t, o.code, o.err)
	require.Equal(t, "removed org/name, freed 8.0 kB\n", o.out)
	require.NoDirExists(t, filepath.Join(cache, "models--org--name"))
	require.Zero(t, call(t, "", "pull", "-q", "org/name").code)
	o = call(t, "", "rm", "--yes", "--json", "org/name")
	require.Zero(t, o.code, o.err)
	require.JSONEq(t, `{"model":"org/name","snapshots":1,"freed":8002}`, o.out)
	requireSentence(t, call(t, "", "rm", "-y", "org/name"), exitFailed, "hub: org/name: not in the cache "+cache)
}

func TestPullFails(t *testing.T) {
	h, _ := playModel(t)
	requireSentence(t, call(t, "", "pull", "org/other"), exitFailed, "hub: org/other: no such model", "HTTP 404")
	requireSentence(t, call(t, "", "pull", "org/name:Q9"), exitFailed, "no GGUF file of type Q9; there are x-Q4_0.gguf")
	requireSentence(t, call(t, "", "generate", "--model=org/other", "-p", "x"), exitFailed, "hub: org/other: no such model")
	requireSentence(t, call(t, "", "tokenize", "--model=org/name@v9", "x"), exitFailed, "no such revision")

	ctx, cancel := context.WithCancel(t.Context())
	h.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	o := callIn(t, ctx, strings.NewReader(""), "pull", "org/name@v1")
	require.Equal(t, exitInterrupted, o.code)
	require.Equal(t, "mlx: interrupted\n", o.err)

	t.Setenv("HF_HUB_OFFLINE", "1")
	requireSentence(t, call(t, "", "pull", "org/name"), exitFailed, "hub: org/name@main: not in the cache", "mlx pull org/name")
}

// TestHubName: commands take a name where they take a path.
func TestHubName(t *testing.T) {
	data, err := os.ReadFile(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	file := hubtest.Content{Data: string(data), Large: true}
	file.ETag = file.Hash() // once
	h := hubtest.Play(t, map[string]hubtest.Content{"smollm2-Q4_1.gguf": file})
	h.Environment(t)
	for n := range 2 {
		if n == 1 {
			h.Server.Close() // it is there
		}
		o := call(t, "", "tokenize", "--count", "--model=org/name:Q4_1", "Hello world")
		require.Zero(t, o.code, o.err)
		require.Equal(t, "2\n", o.out)
	}
	require.Greater(t, h.Count("STORE smollm2"), 1, "a file of this size comes in ranges")
}

// A model of the Hub is converted by its name, which the new folder's card tells.
func TestConvertHubName(t *testing.T) {
	dir, files := tinyFolder(t), map[string]hubtest.Content{"README.md": {Data: "---\nlicense: mit\n---\n"}}
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		files[name] = hubtest.Content{Data: string(data), Large: name == "model.safetensors"}
	}
	hubtest.Play(t, files).Environment(t)
	to := filepath.Join(t.TempDir(), "to")
	o := call(t, "", "convert", "--model", "org/name", "--out", to, "-q", "--q-group-size=32", "--quiet")
	require.Zero(t, o.code, o.err)
	require.Empty(t, o.err)
	card, err := os.ReadFile(filepath.Join(to, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(card), "license: mit\n")
	require.Contains(t, string(card), "base_model: org/name\n")
	requireSentence(t, call(t, "", "convert", "--model", "org/other", "--out", to+"2"), exitFailed, "hub: org/other: no such model")
}
