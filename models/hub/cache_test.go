package hub_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// twoSnapshots pulls two commits that share all but their config.json.
func twoSnapshots(t *testing.T) (c *hub.Client, cache string, one, two map[string]hubtest.Content) {
	t.Helper()
	one = oneFile(1000)
	two = maps.Clone(one)
	two["config.json"] = hubtest.Content{Data: `{"new":true}`}
	h, cache := hubtest.Play(t, one), t.TempDir()
	h.Commits[hubtest.Commit2] = two
	c = client(t, h, cache)
	for _, pull := range []struct{ name, commit string }{{"org/name@v1", hubtest.Commit1}, {"org/name", hubtest.Commit2}} {
		h.Refs["v1"], h.Refs["main"] = hubtest.Commit1, hubtest.Commit2
		_, err := c.Pull(t.Context(), ref(t, pull.name))
		require.NoError(t, err)
	}
	return c, cache, one, two
}

func TestList(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	c, cache, _, two := twoSnapshots(t)
	for _, other := range []string{"datasets--org--data", "models--bad--na--me", ".locks", "models--org--empty/blobs", "models--gpt2/snapshots"} {
		require.NoError(t, os.MkdirAll(filepath.Join(cache, other), 0o755))
	}
	list, err := c.List()
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, s := range list {
		require.Equal(t, "org/name", s.Repo)
		require.Equal(t, 2, s.Files)
		require.WithinRange(t, s.LastUsed, began, time.Now().Add(time.Minute))
	}
	require.Equal(t, hubtest.Commit1, list[0].Commit)
	require.Equal(t, []string{"v1"}, list[0].Revisions)
	require.EqualValues(t, 1002, list[0].Size)
	require.Equal(t, []string{"main"}, list[1].Revisions)
	require.EqualValues(t, 1000+len(two["config.json"].Data), list[1].Size)

	none, err := newClient(t, hub.WithCacheDir(filepath.Join(cache, "none"))).List()
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestRemoveRevision(t *testing.T) {
	c, cache, one, two := twoSnapshots(t)
	plan, err := c.PlanRemoval(ref(t, "org/name@v1"))
	require.NoError(t, err)
	require.Len(t, plan.Snapshots, 1)
	require.EqualValues(t, len(one["config.json"].Data), plan.Freed, "the weights stay for the other")
	require.NoError(t, c.Remove(plan))

	repo := filepath.Join(cache, "models--org--name")
	require.NoDirExists(t, filepath.Join(repo, "snapshots", hubtest.Commit1))
	require.NoFileExists(t, filepath.Join(repo, "refs", "v1"))
	require.NoFileExists(t, filepath.Join(repo, "blobs", one["config.json"].Hash()))
	path, err := c.Cached(ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, two, both)
	_, err = c.PlanRemoval(ref(t, "org/name@v1"))
	require.ErrorIs(t, err, hub.ErrNotCached)
}

func TestRemoveAll(t *testing.T) {
	c, cache, one, two := twoSnapshots(t)
	part := filepath.Join(cache, "models--org--name", "blobs", "abc.incomplete")
	require.NoError(t, os.WriteFile(part, make([]byte, 77), 0o644))
	plan, err := c.PlanRemoval(ref(t, "org/name"))
	require.NoError(t, err)
	require.Len(t, plan.Snapshots, 2)
	require.EqualValues(t, 1000+len(one["config.json"].Data)+len(two["config.json"].Data)+77, plan.Freed)
	require.NoError(t, c.Remove(plan))
	var files []string
	require.NoError(t, filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	require.Empty(t, files)

	_, err = c.PlanRemoval(ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrNotCached)
	_, err = c.PlanRemoval(ref(t, "org/name:x.gguf"))
	require.ErrorContains(t, err, "a snapshot is removed whole")
	_, err = c.PlanRemoval(hub.Ref{Repo: "../.."})
	require.ErrorContains(t, err, "is no name of a model")
}
