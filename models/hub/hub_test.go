package hub_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

func sorted(files map[string]content) []string { return slices.Sorted(maps.Keys(files)) }

// text is n bytes that differ.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d %x,", i, i*i)
	}
	return b.String()[:n]
}

// someModel has what repositories have: weights in shards and other formats.
func someModel() map[string]content {
	return map[string]content{
		"config.json":                              {data: `{"model_type":"llama"}`},
		"tokenizer.json":                           {data: text(5000), large: true},
		"README.md":                                {data: "# A model\n"},
		".gitattributes":                           {data: "*.bin lfs\n"},
		"empty.txt":                                {},
		"a b#%ü.json":                              {data: "{}"},
		"model-00001-of-00002.safetensors":         {data: text(70_000), large: true},
		"model-00002-of-00002.safetensors":         {data: text(30_001), large: true},
		"model.safetensors.index.json":             {data: `{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`},
		"consolidated.safetensors":                 {data: "twice the same", large: true},
		"pytorch_model.bin":                        {data: "pickle", large: true},
		"original/consolidated.pth":                {data: "pickle", large: true},
		"original/params.json":                     {data: "{}"},
		"onnx/model.safetensors":                   {data: "other", large: true},
		"additional_chat_templates/tool_use.jinja": {data: "{{ x }}"},
	}
}

var wanted = []string{
	"README.md", "a b#%ü.json", "additional_chat_templates/tool_use.jinja", "config.json", "empty.txt",
	"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json",
}

func ref(t *testing.T, s string) hub.Ref {
	t.Helper()
	r, err := hub.ParseRef(s)
	require.NoError(t, err)
	return r
}

// requireFiles requires that a snapshot has exactly these files with the hub's bytes.
func requireFiles(t *testing.T, dir string, files map[string]content, names []string) {
	t.Helper()
	var got []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	}))
	require.Equal(t, names, got)
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, string(data) == files[name].data, name)
	}
}

// requireNoParts requires that nothing half done is left in a cache.
func requireNoParts(t *testing.T, cache string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(cache, func(path string, _ fs.DirEntry, err error) error {
		require.NotContains(t, path, ".incomplete")
		require.NotContains(t, path, ".tmp")
		return err
	}))
}

func TestPull(t *testing.T) {
	files := someModel()
	h, cache := play(t, files), t.TempDir()
	h.page = 4
	var last hub.Progress
	c := h.client(t, cache, hub.WithProgress(func(p hub.Progress) { last = p }))
	path, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(cache, "models--org--name", "snapshots", commit1), path)
	requireFiles(t, path, files, wanted)
	requireNoParts(t, cache)

	total := int64(0)
	for _, n := range wanted {
		total += int64(len(files[n].data))
	}
	require.Equal(t, total, last.AllDone)
	require.Equal(t, total, last.AllSize)
	require.Equal(t, total, last.Transferred)
	require.Equal(t, len(wanted), last.Files)

	target, err := os.Readlink(filepath.Join(path, "additional_chat_templates", "tool_use.jinja"))
	require.NoError(t, err)
	require.Equal(t, "../../../blobs/"+files["additional_chat_templates/tool_use.jinja"].hash(), target)
	main, err := os.ReadFile(filepath.Join(cache, "models--org--name", "refs", "main"))
	require.NoError(t, err)
	require.Equal(t, commit1, string(main))

	// Again: nothing is fetched a second time.
	stores := h.count("STORE")
	_, err = c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, stores, h.count("STORE"))
	require.Equal(t, total, last.AllDone)
	require.Zero(t, last.Transferred)

	// And no server is needed.
	requests := h.count("")
	got, err := c.Get(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)
	require.Equal(t, requests, h.count(""))
}

// TestTokenStaysHome: the store is another port of the same address, which Go's own
// client would send the header to.
func TestTokenStaysHome(t *testing.T) {
	h := play(t, someModel())
	var asked atomic.Int32
	h.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+token {
			asked.Add(1)
		}
		return false
	}
	_, err := h.client(t, t.TempDir()).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.EqualValues(t, h.count("GET")+h.count("HEAD"), asked.Load())
	require.Len(t, h.tokens, 3)
	for _, got := range h.tokens {
		require.Empty(t, got)
	}
}

func TestRevisions(t *testing.T) {
	old := someModel()
	h, cache := play(t, old), t.TempDir()
	c := h.client(t, cache)
	one, err := c.Pull(t.Context(), ref(t, "org/name@refs/pr/1"))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(cache, "models--org--name", "refs", "refs", "pr", "1"))

	fresh := maps.Clone(old)
	fresh["config.json"] = content{data: `{"model_type":"qwen2"}`}
	h.commits[commit2] = fresh
	h.refs["main"] = commit2
	stores := h.count("STORE")
	two, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.Equal(t, stores, h.count("STORE"), "the weights are the same blobs")
	requireFiles(t, one, old, wanted)
	requireFiles(t, two, fresh, wanted)

	byCommit, err := c.Cached(ref(t, "org/name@"+commit1))
	require.NoError(t, err)
	require.Equal(t, one, byCommit)
	_, err = c.Pull(t.Context(), ref(t, "org/name@"+commit2))
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "refs", commit2))
}

func TestOffline(t *testing.T) {
	h, cache := play(t, someModel()), t.TempDir()
	off := h.client(t, cache, hub.WithOffline(true))
	_, err := off.Pull(t.Context(), ref(t, "org/name@v2"))
	require.ErrorIs(t, err, hub.ErrNotCached)
	require.ErrorIs(t, err, hub.ErrOffline)
	require.ErrorContains(t, err, "hub: org/name@v2: not in the cache "+cache)
	require.ErrorContains(t, err, "mlx pull org/name@v2")
	require.Zero(t, h.count(""))

	path, err := h.client(t, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	got, err := off.Get(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)

	// A hub that is down leaves what is there.
	h.hub.Close()
	got, err = h.client(t, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)

	// A shard whose blob is gone makes it no snapshot.
	shard := filepath.Join(path, "model-00002-of-00002.safetensors")
	blob, err := filepath.EvalSymlinks(shard)
	require.NoError(t, err)
	require.NoError(t, os.Remove(blob))
	_, err = off.Cached(ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrNotCached)
	require.ErrorContains(t, err, `"model-00002-of-00002.safetensors" is missing`)
}

// TestNoHalfSnapshot: a pull that fails leaves no snapshot that another would take.
func TestNoHalfSnapshot(t *testing.T) {
	files := someModel()
	bad := files["model-00002-of-00002.safetensors"]
	bad.etag = strings.Repeat("ab", 32)
	files["model-00002-of-00002.safetensors"] = bad
	h, cache := play(t, files), t.TempDir()
	c := h.client(t, cache)
	_, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrChecksum)
	require.ErrorContains(t, err, "model-00002-of-00002.safetensors")
	require.NoDirExists(t, filepath.Join(cache, "models--org--name", "snapshots"))
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "blobs", bad.etag))
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "blobs", bad.etag+".incomplete"))
	_, err = c.Cached(ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrNotCached)
}

func TestCancel(t *testing.T) {
	h := play(t, someModel())
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user left")
	h.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		cancel(why)
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	began := time.Now()
	_, err := h.client(t, t.TempDir()).Pull(ctx, ref(t, "org/name"))
	require.True(t, errors.Is(err, why) || errors.Is(err, context.Canceled), err)
	require.Less(t, time.Since(began), 2*time.Second)
}

func TestPatterns(t *testing.T) {
	files := someModel()
	for _, c := range []struct {
		opts []hub.Option
		want []string
	}{
		{[]hub.Option{hub.WithAllow("tokenizer*")}, []string{"tokenizer.json"}},
		{[]hub.Option{hub.WithAllow("original/", "config.json"), hub.WithIgnore("*.pth")}, []string{"config.json", "original/params.json"}},
		{[]hub.Option{hub.WithAllow("model-0000[!2]*")}, []string{"model-00001-of-00002.safetensors"}},
		{[]hub.Option{hub.WithIgnore("*.safetensors", "*b#*", "add*", "*.md", "empty*", "tok*")}, []string{"config.json", "model.safetensors.index.json"}},
	} {
		h := play(t, files)
		path, err := h.client(t, t.TempDir(), c.opts...).Pull(t.Context(), ref(t, "org/name"))
		require.NoError(t, err)
		requireFiles(t, path, files, c.want)
	}
}

func TestGGUF(t *testing.T) {
	files := map[string]content{
		"README.md":           {data: "x"},
		"config.json":         {data: "{}"},
		"tiny-Q4_K_M.gguf":    {data: "four", large: true},
		"tiny-q8_0.gguf":      {data: "eight", large: true},
		"mmproj-f16.gguf":     {data: "eyes", large: true},
		"more/tiny-Q5_0.gguf": {data: "five", large: true},
		"more/tiny-Q5_1.gguf": {data: "five", large: true},
	}
	for name, want := range map[string]string{
		"org/name":                       "tiny-Q4_K_M.gguf",
		"org/name:Q8_0":                  "tiny-q8_0.gguf",
		"org/name:q4_k_m":                "tiny-Q4_K_M.gguf",
		"org/name@main:tiny-q8_0.gguf":   "tiny-q8_0.gguf",
		"hf.co/org/name:mmproj-f16.gguf": "mmproj-f16.gguf",
		"https://huggingface.co/org/name:more/tiny-Q5_0.gguf": "more/tiny-Q5_0.gguf",
	} {
		h := play(t, files)
		c := h.client(t, t.TempDir())
		path, err := c.Pull(t.Context(), ref(t, name))
		require.NoError(t, err, name)
		require.True(t, strings.HasSuffix(path, commit1+"/"+want), path)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, files[want].data, string(data))
		require.Equal(t, 1, h.count("STORE"))
		again, err := c.Cached(ref(t, name))
		require.NoError(t, err)
		require.Equal(t, path, again)
	}
	h := play(t, files)
	for name, want := range map[string]string{
		"org/name:Q6_K":    "no GGUF file of type Q6_K; there are more/tiny-Q5_0.gguf, more/tiny-Q5_1.gguf, tiny-Q4_K_M.gguf",
		"org/name:no.gguf": "no.gguf; there are",
		"org/name:tiny":    "several GGUF files are of type tiny",
	} {
		_, err := h.client(t, t.TempDir()).Pull(t.Context(), ref(t, name))
		require.ErrorContains(t, err, want)
	}
}
