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
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// text is n bytes that differ.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d %x,", i, i*i)
	}
	return b.String()[:n]
}

// someModel has what repositories have: weights in shards and other formats.
func someModel() map[string]hubtest.Content {
	return map[string]hubtest.Content{
		"config.json":                              {Data: `{"model_type":"llama"}`},
		"tokenizer.json":                           {Data: text(5000), Large: true},
		"README.md":                                {Data: "# A model\n"},
		".gitattributes":                           {Data: "*.bin lfs\n"},
		"empty.txt":                                {},
		"a b#%ü.json":                              {Data: "{}"},
		"model-00001-of-00002.safetensors":         {Data: text(70_000), Large: true},
		"model-00002-of-00002.safetensors":         {Data: text(30_001), Large: true},
		"model.safetensors.index.json":             {Data: `{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`},
		"consolidated.safetensors":                 {Data: "twice the same", Large: true},
		"pytorch_model.bin":                        {Data: "pickle", Large: true},
		"original/consolidated.pth":                {Data: "pickle", Large: true},
		"original/params.json":                     {Data: "{}"},
		"onnx/model.safetensors":                   {Data: "other", Large: true},
		"additional_chat_templates/tool_use.jinja": {Data: "{{ x }}"},
	}
}

var wanted = []string{
	"README.md", "a b#%ü.json", "additional_chat_templates/tool_use.jinja", "config.json", "empty.txt",
	"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json",
}

// token is what no other host and no error may show.
const token = "hf_SecretSecretSecret"

// client is one of a cache folder, that asks a played hub.
func client(t *testing.T, h *hubtest.Hub, cache string, opts ...hub.Option) *hub.Client {
	t.Helper()
	return newClient(t, append([]hub.Option{hub.WithCacheDir(cache), hub.WithEndpoint(h.Server.URL), hub.WithOffline(false),
		hub.WithToken(token), hub.Impatient}, opts...)...)
}

func newClient(t *testing.T, opts ...hub.Option) *hub.Client {
	t.Helper()
	c, err := hub.New(opts...)
	require.NoError(t, err)
	return c
}

func ref(t *testing.T, s string) hub.Ref {
	t.Helper()
	r, err := hub.ParseRef(s)
	require.NoError(t, err)
	return r
}

// requireFiles requires that a snapshot has exactly these files with the hub's bytes.
func requireFiles(t *testing.T, dir string, files map[string]hubtest.Content, names []string) {
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
		require.True(t, string(data) == files[name].Data, name)
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
	h, cache := hubtest.Play(t, files), t.TempDir()
	h.Page = 4
	var last hub.Progress
	c := client(t, h, cache, hub.WithProgress(func(p hub.Progress) { last = p }))
	path, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(cache, "models--org--name", "snapshots", hubtest.Commit1), path)
	requireFiles(t, path, files, wanted)
	requireNoParts(t, cache)

	total := int64(0)
	for _, n := range wanted {
		total += int64(len(files[n].Data))
	}
	require.Equal(t, total, last.AllDone)
	require.Equal(t, total, last.AllSize)
	require.Equal(t, total, last.Transferred)
	require.Equal(t, len(wanted), last.Files)

	target, err := os.Readlink(filepath.Join(path, "additional_chat_templates", "tool_use.jinja"))
	require.NoError(t, err)
	require.Equal(t, "../../../blobs/"+files["additional_chat_templates/tool_use.jinja"].Hash(), target)
	main, err := os.ReadFile(filepath.Join(cache, "models--org--name", "refs", "main"))
	require.NoError(t, err)
	require.Equal(t, hubtest.Commit1, string(main))

	// Again: nothing is fetched a second time.
	stores := h.Count("STORE")
	_, err = c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, stores, h.Count("STORE"))
	require.Equal(t, total, last.AllDone)
	require.Zero(t, last.Transferred)

	// And no server is needed.
	requests := h.Count("")
	got, err := c.Get(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)
	require.Equal(t, requests, h.Count(""))
}

// TestTokenStaysHome: the store is another port of the same address, which Go's own
// client would send the header to.
func TestTokenStaysHome(t *testing.T) {
	h := hubtest.Play(t, someModel())
	var asked atomic.Int32
	h.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+token {
			asked.Add(1)
		}
		return false
	}
	_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.EqualValues(t, h.Count("GET")+h.Count("HEAD"), asked.Load())
	require.Len(t, h.Tokens, 3)
	for _, got := range h.Tokens {
		require.Empty(t, got)
	}
}

func TestRevisions(t *testing.T) {
	old := someModel()
	h, cache := hubtest.Play(t, old), t.TempDir()
	c := client(t, h, cache)
	one, err := c.Pull(t.Context(), ref(t, "org/name@refs/pr/1"))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(cache, "models--org--name", "refs", "refs", "pr", "1"))

	fresh := maps.Clone(old)
	fresh["config.json"] = hubtest.Content{Data: `{"model_type":"qwen2"}`}
	h.Commits[hubtest.Commit2] = fresh
	h.Refs["main"] = hubtest.Commit2
	stores := h.Count("STORE")
	two, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.Equal(t, stores, h.Count("STORE"), "the weights are the same blobs")
	requireFiles(t, one, old, wanted)
	requireFiles(t, two, fresh, wanted)

	byCommit, err := c.Cached(ref(t, "org/name@"+hubtest.Commit1))
	require.NoError(t, err)
	require.Equal(t, one, byCommit)
	_, err = c.Pull(t.Context(), ref(t, "org/name@"+hubtest.Commit2))
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "refs", hubtest.Commit2))
}

func TestOffline(t *testing.T) {
	h, cache := hubtest.Play(t, someModel()), t.TempDir()
	off := client(t, h, cache, hub.WithOffline(true))
	_, err := off.Pull(t.Context(), ref(t, "org/name@v2"))
	require.ErrorIs(t, err, hub.ErrNotCached)
	require.ErrorIs(t, err, hub.ErrOffline)
	require.ErrorContains(t, err, "hub: org/name@v2: not in the cache "+cache)
	require.ErrorContains(t, err, "mlx pull org/name@v2")
	require.Zero(t, h.Count(""))

	path, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	got, err := off.Get(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	require.Equal(t, path, got)

	// A hub that is down leaves what is there.
	h.Server.Close()
	got, err = client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
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
	bad.ETag = strings.Repeat("ab", 32)
	files["model-00002-of-00002.safetensors"] = bad
	h, cache := hubtest.Play(t, files), t.TempDir()
	c := client(t, h, cache)
	_, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrChecksum)
	require.ErrorContains(t, err, "model-00002-of-00002.safetensors")
	require.NoDirExists(t, filepath.Join(cache, "models--org--name", "snapshots"))
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "blobs", bad.ETag))
	require.NoFileExists(t, filepath.Join(cache, "models--org--name", "blobs", bad.ETag+".incomplete"))
	_, err = c.Cached(ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrNotCached)
}

func TestCancel(t *testing.T) {
	h := hubtest.Play(t, someModel())
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user left")
	h.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		cancel(why)
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	began := time.Now()
	_, err := client(t, h, t.TempDir()).Pull(ctx, ref(t, "org/name"))
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
		h := hubtest.Play(t, files)
		path, err := client(t, h, t.TempDir(), c.opts...).Pull(t.Context(), ref(t, "org/name"))
		require.NoError(t, err)
		requireFiles(t, path, files, c.want)
	}
}

func TestGGUF(t *testing.T) {
	files := map[string]hubtest.Content{
		"README.md":           {Data: "x"},
		"config.json":         {Data: "{}"},
		"tiny-Q4_K_M.gguf":    {Data: "four", Large: true},
		"tiny-q8_0.gguf":      {Data: "eight", Large: true},
		"mmproj-f16.gguf":     {Data: "eyes", Large: true},
		"more/tiny-Q5_0.gguf": {Data: "five", Large: true},
		"more/tiny-Q5_1.gguf": {Data: "five", Large: true},
	}
	for name, want := range map[string]string{
		"org/name":                       "tiny-Q4_K_M.gguf",
		"org/name:Q8_0":                  "tiny-q8_0.gguf",
		"org/name:q4_k_m":                "tiny-Q4_K_M.gguf",
		"org/name@main:tiny-q8_0.gguf":   "tiny-q8_0.gguf",
		"hf.co/org/name:mmproj-f16.gguf": "mmproj-f16.gguf",
		"https://huggingface.co/org/name:more/tiny-Q5_0.gguf": "more/tiny-Q5_0.gguf",
	} {
		h := hubtest.Play(t, files)
		c := client(t, h, t.TempDir())
		path, err := c.Pull(t.Context(), ref(t, name))
		require.NoError(t, err, name)
		require.True(t, strings.HasSuffix(path, hubtest.Commit1+"/"+want), path)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, files[want].Data, string(data))
		require.Equal(t, 1, h.Count("STORE"))
		again, err := c.Cached(ref(t, name))
		require.NoError(t, err)
		require.Equal(t, path, again)
	}
	h := hubtest.Play(t, files)
	for name, want := range map[string]string{
		"org/name:Q6_K":    "no GGUF file of type Q6_K; there are more/tiny-Q5_0.gguf, more/tiny-Q5_1.gguf, tiny-Q4_K_M.gguf",
		"org/name:no.gguf": "no.gguf; there are",
		"org/name:tiny":    "several GGUF files are of type tiny",
	} {
		_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, name))
		require.ErrorContains(t, err, want)
	}
}

// A split model is the files of one name, and is loaded by the first.
func TestSplitGGUF(t *testing.T) {
	files := map[string]hubtest.Content{
		"Q4_K_M/big-Q4_K_M-00001-of-00002.gguf": {Data: "four", Large: true},
		"Q4_K_M/big-Q4_K_M-00002-of-00002.gguf": {Data: "teen", Large: true},
		"big-Q8_0-00001-of-00003.gguf":          {Data: "eight", Large: true},
		"big-Q8_0-00003-of-00003.gguf":          {Data: "een", Large: true},
	}
	h := hubtest.Play(t, files)
	for _, name := range []string{"org/name", "org/name:Q4_K_M", "org/name:Q4_K_M/big-Q4_K_M-00002-of-00002.gguf"} {
		c := client(t, h, t.TempDir())
		path, err := c.Pull(t.Context(), ref(t, name))
		require.NoError(t, err, name)
		require.True(t, strings.HasSuffix(path, hubtest.Commit1+"/Q4_K_M/big-Q4_K_M-00001-of-00002.gguf"), path)
		second, err := os.ReadFile(strings.Replace(path, "00001-of", "00002-of", 1))
		require.NoError(t, err)
		require.Equal(t, "teen", string(second))
		again, err := c.Cached(ref(t, name))
		require.NoError(t, err)
		require.Equal(t, path, again)
		require.NoError(t, os.Remove(strings.Replace(path, "00001-of", "00002-of", 1)))
		_, err = c.Cached(ref(t, name))
		require.ErrorIs(t, err, hub.ErrNotCached)
	}
	_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, "org/name:Q8_0"))
	require.ErrorIs(t, err, hub.ErrEntryNotFound)
	require.ErrorContains(t, err, "big-Q8_0-00002-of-00003.gguf, one of the 3 that big-Q8_0-00001-of-00003.gguf belongs to")
}

// What the disk cannot hold is not begun; what is there already needs no room.
func TestNoSpace(t *testing.T) {
	h, cache := hubtest.Play(t, someModel()), t.TempDir()
	_, err := client(t, h, cache, hub.WithFree(70_000)).Pull(t.Context(), ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrNoSpace)
	require.ErrorContains(t, err, "not enough space on the disk: 105.1 kB are needed and 70.0 kB are free in "+cache)
	require.Zero(t, h.Count("STORE"))
	_, err = client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	_, err = client(t, h, cache, hub.WithFree(0)).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
}
