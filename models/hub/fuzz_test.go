package hub_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// answers gives the same headers with every answer, and bodies by the kind of
// request.
type answers struct {
	revision, tree, body string
	header               http.Header
	code                 int
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, code := a.body, a.code
	switch {
	case strings.Contains(r.URL.Path, "/revision/"):
		body, code = a.revision, http.StatusOK
	case strings.Contains(r.URL.Path, "/tree/"):
		body, code = a.tree, http.StatusOK
	}
	return &http.Response{StatusCode: code, Header: a.header.Clone(), Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r}, nil
}

// FuzzAnswers: whatever a hub says, nothing is written outside of the cache, and
// what Pull returns is in it.
func FuzzAnswers(f *testing.F) {
	good := `[{"type":"file","path":"config.json","size":2}]`
	sha := `{"sha":"` + hubtest.Commit1 + `"}`
	f.Add(sha, good, "{}", hubtest.Content{Data: "{}"}.Hash(), "", "", 200)
	f.Add(sha, `[{"path":"../../x.json","size":2}]`, "{}", "x", "", "", 200)
	f.Add(sha, good, "{}", `W/"../../../x"`, "", "", 200)
	f.Add(sha, good, "{}", "x", "bytes 0-1/2", `<http://x/>; rel="next"`, 206)
	f.Add(`{"sha":"../.."}`, "[]", "", "", "", "", 404)
	f.Fuzz(func(t *testing.T, revision, tree, body, etag, contentRange, link string, code int) {
		root := t.TempDir()
		cache := filepath.Join(root, "a", "cache")
		require.NoError(t, os.MkdirAll(cache, 0o755))
		c := newClient(t, hub.WithCacheDir(cache), hub.WithEndpoint("http://hub.invalid"), hub.WithOffline(false), hub.WithToken(token), hub.Impatient)
		hub.Through(c, answers{revision, tree, body, http.Header{"Etag": {etag}, "Content-Range": {contentRange}, "Link": {link},
			"X-Error-Message": {body}, "Location": {link}}, code})
		path, err := c.Pull(t.Context(), hub.Ref{Repo: "org/name"})
		if err == nil {
			require.True(t, strings.HasPrefix(path, cache), path)
		} else {
			require.NotContains(t, err.Error(), token)
		}
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			require.True(t, d.IsDir() || strings.HasPrefix(path, cache+"/"), path)
			return err
		}))
	})
}

// FuzzCached: a cache that others wrote into is read or refused, never followed out
// of its folder.
func FuzzCached(f *testing.F) {
	f.Add(hubtest.Commit1, `{"format_version":1,"files":{"config.json":{"size":2}}}`, `{"weight_map":{"a":"model.safetensors"}}`)
	f.Add("../../..", `{"format_version":1,"files":{"../x.json":{"size":-1}}}`, `{"weight_map":{"a":"../x"}}`)
	f.Add("", "[", "null")
	f.Fuzz(func(t *testing.T, commit, tree, index string) {
		cache := t.TempDir()
		for name, data := range map[string]string{
			"refs/main":                                                      commit,
			"trees/" + hubtest.Commit1 + ".json":                             tree,
			"snapshots/" + hubtest.Commit1 + "/config.json":                  "{}",
			"snapshots/" + hubtest.Commit1 + "/model.safetensors":            "x",
			"snapshots/" + hubtest.Commit1 + "/model.safetensors.index.json": index,
		} {
			path := filepath.Join(cache, "models--org--name", name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(data), 0o644))
		}
		c := newClient(t, hub.WithCacheDir(cache), hub.WithOffline(true))
		path, err := c.Cached(hub.Ref{Repo: "org/name"})
		if err != nil {
			require.ErrorIs(t, err, hub.ErrNotCached)
		} else {
			require.True(t, strings.HasPrefix(path, filepath.Join(cache, "models--org--name", "snapshots", hubtest.Commit1)))
		}
		_, err = c.List()
		require.NoError(t, err)
	})
}
