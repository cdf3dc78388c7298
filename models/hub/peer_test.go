package hub_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

var (
	hfHub  = flag.String("hfhub", "", "a Python with huggingface_hub 2.4.0, for the tests that the cache is shared with it")
	update = flag.Bool("update", false, "write what huggingface_hub does into testdata, with -hfhub")
)

// layoutFile is the cache that huggingface_hub makes of someModel.
var layoutFile = filepath.Join("testdata", "layout.json")

// layout lists a repository's folder: links with their targets, other files with
// their bytes. Lists that huggingface_hub keeps beside it are left out.
func layout(t *testing.T, cache string) map[string]string {
	t.Helper()
	dir, out := filepath.Join(cache, "models--org--name"), map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || d.IsDir() || strings.HasPrefix(rel, "trees"):
			return err
		case d.Type()&fs.ModeSymlink != 0:
			out[rel], err = os.Readlink(path)
			out[rel] = "-> " + out[rel]
		case strings.HasPrefix(rel, "blobs"):
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			out[rel] = hubtest.Content{Data: string(data), Large: len(filepath.Base(path)) == 64}.Hash()
		default:
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			out[rel] = string(data)
		}
		return err
	}))
	return out
}

// TestLayout: the cache is, link by link, the one that huggingface_hub makes.
func TestLayout(t *testing.T) {
	h, cache := hubtest.Play(t, someModel()), t.TempDir()
	_, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	data, err := os.ReadFile(layoutFile)
	require.NoError(t, err)
	var want map[string]string
	require.NoError(t, json.Unmarshal(data, &want))
	require.Equal(t, want, layout(t, cache))
}

// python runs testdata/hfhub.py.
func python(t *testing.T, h *hubtest.Hub, args ...string) []byte {
	t.Helper()
	if *hfHub == "" {
		t.Skip("-hfhub names no Python")
	}
	cmd := exec.CommandContext(t.Context(), *hfHub, append([]string{filepath.Join("testdata", "hfhub.py")}, args...)...)
	cmd.Env = []string{"HF_ENDPOINT=" + h.Server.URL, "HF_HOME=" + t.TempDir(), "HOME=" + t.TempDir()}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// TestWeReadPythons: what huggingface_hub fetched is a snapshot here, without the
// network, and a blob here that a pull does not fetch again.
func TestWeReadPythons(t *testing.T) {
	files := someModel()
	h, cache := hubtest.Play(t, files), t.TempDir()
	path := strings.TrimSpace(string(python(t, h, "fetch", cache)))
	if *update {
		data, err := json.MarshalIndent(layout(t, cache), "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(layoutFile, append(data, '\n'), 0o644))
	}
	c := client(t, h, cache, hub.WithOffline(true))
	got, err := c.Cached(ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)
	requireFiles(t, got, files, wanted)
	list, err := c.List()
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, []string{"main"}, list[0].Revisions)
	require.Equal(t, len(wanted), list[0].Files)

	stores := h.Count("STORE")
	_, err = client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, stores, h.Count("STORE"))
}

// TestPythonReadsOurs: what was pulled here, huggingface_hub reads without the
// network.
func TestPythonReadsOurs(t *testing.T) {
	files := someModel()
	h, cache := hubtest.Play(t, files), t.TempDir()
	path, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	h.Server.Close()
	var seen struct {
		Snapshot, Config, Repo string
		Size                   int64
		Files, Refs            map[string]string
	}
	require.NoError(t, json.Unmarshal(python(t, h, "read", cache), &seen))
	require.Equal(t, path, seen.Snapshot)
	require.Equal(t, filepath.Join(path, "config.json"), seen.Config)
	require.Equal(t, "org/name", seen.Repo)
	require.Equal(t, map[string]string{"main": hubtest.Commit1}, seen.Refs)
	require.Len(t, seen.Files, len(wanted))
	total := int64(0)
	for _, name := range wanted {
		require.Equal(t, files[name].Data, seen.Files[filepath.Base(name)])
		total += int64(len(files[name].Data))
	}
	require.Equal(t, total, seen.Size)
}
