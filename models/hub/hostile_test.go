package hub_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// oneFile is a model whose weights are large.
func oneFile(n int) map[string]hubtest.Content {
	return map[string]hubtest.Content{"config.json": {Data: "{}"}, "model.safetensors": {Data: text(n), Large: true}}
}

var both = []string{"config.json", "model.safetensors"}

// TestCutAnywhere: wherever connections are cut, and however much of the file was
// there, the bytes end up right.
func TestCutAnywhere(t *testing.T) {
	files := oneFile(4096)
	data := files["model.safetensors"].Data
	h := hubtest.Play(t, files)
	var mu sync.Mutex
	var cuts []int
	ignoreRange := false
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		mu.Lock()
		cut := len(c.Data)
		if c.Large && len(cuts) > 0 {
			cut, cuts = cuts[0], cuts[1:]
		}
		if ignoreRange {
			r.Header.Del("Range")
		}
		mu.Unlock()
		hubtest.CutAt(w, r, c.Data, cut)
	}
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		mu.Lock()
		cuts = rapid.SliceOfN(rapid.IntRange(0, 2000), 0, 3).Draw(rt, "cuts")
		ignoreRange = rapid.Bool().Draw(rt, "server without ranges")
		mu.Unlock()
		n++
		cache := filepath.Join(root, strconv.Itoa(n))
		blobs := filepath.Join(cache, "models--org--name", "blobs")
		require.NoError(rt, os.MkdirAll(blobs, 0o755))
		left := []byte(data[:rapid.IntRange(0, len(data)).Draw(rt, "left")])
		if rapid.Bool().Draw(rt, "garbage") && len(left) > 0 {
			left[len(left)/2] ^= 1
		}
		require.NoError(rt, os.WriteFile(filepath.Join(blobs, files["model.safetensors"].Hash()+".incomplete"), left, 0o644))
		ranges := hub.WithSmallRanges(rapid.IntRange(1, 4).Draw(rt, "at once"), 700)
		path, err := client(t, h, cache, ranges).Pull(t.Context(), ref(t, "org/name"))
		require.NoError(rt, err)
		requireFiles(t, path, files, both)
		requireNoParts(t, cache)
	})
}

func TestResumeAsksForTheRest(t *testing.T) {
	files := oneFile(100_000)
	h, cache := hubtest.Play(t, files), t.TempDir()
	var ranges []string
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		if c.Large {
			ranges = append(ranges, r.Header.Get("Range"))
		}
		hubtest.ServeRange(w, r, c.Data)
	}
	blobs := filepath.Join(cache, "models--org--name", "blobs")
	require.NoError(t, os.MkdirAll(blobs, 0o755))
	part := filepath.Join(blobs, files["model.safetensors"].Hash()+".incomplete")
	require.NoError(t, os.WriteFile(part, []byte(files["model.safetensors"].Data[:77_777]), 0o644))
	var last hub.Progress
	path, err := client(t, h, cache, hub.WithProgress(func(p hub.Progress) { last = p })).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, files, both)
	require.Equal(t, []string{"bytes=77777-"}, ranges)
	require.EqualValues(t, 100_000-77_777+2, last.Transferred)
	require.EqualValues(t, 100_002, last.AllDone)
}

// TestRanges: a large file comes in pieces, no more at once than allowed.
func TestRanges(t *testing.T) {
	files := oneFile(10_500)
	h := hubtest.Play(t, files)
	var now, most atomic.Int32
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		if c.Large {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(10 * time.Millisecond)
		}
		hubtest.ServeRange(w, r, c.Data)
	}
	path, err := client(t, h, t.TempDir(), hub.WithSmallRanges(3, 1000)).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, files, both)
	require.Equal(t, 11, h.Count("STORE"))
	require.EqualValues(t, 3, most.Load())
}

// TestBadBytes plays stores that send something else than they should.
func TestBadBytes(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(w http.ResponseWriter, r *http.Request, c hubtest.Content)
		want  string
	}{
		{"other bytes", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
			hubtest.ServeRange(w, r, strings.Replace(c.Data, "1", "2", 1))
		}, "another hash"},
		{"too short", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
			fmt.Fprint(w, c.Data[:min(len(c.Data), 10)])
		}, "unexpected EOF"},
		{"too long", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) { fmt.Fprint(w, c.Data+"x") }, "more than the 5000 bytes"},
		{"length too large", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
			w.Header().Set("Content-Length", "6000")
			fmt.Fprint(w, c.Data[:4000])
		}, "unexpected EOF"},
		{"an error page", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) { fmt.Fprint(w, "<html>sign in</html>") }, "unexpected EOF"},
		{"another range", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
			w.Header().Set("Content-Range", "bytes 1-4999/5000")
			w.WriteHeader(http.StatusPartialContent)
		}, "sent the range"},
		{"nothing to say", func(w http.ResponseWriter, r *http.Request, c hubtest.Content) { w.WriteHeader(http.StatusNoContent) }, "HTTP 204 is no file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, cache := hubtest.Play(t, oneFile(5000)), t.TempDir()
			h.Serve = func(w http.ResponseWriter, r *http.Request, f hubtest.Content) {
				if f.Large {
					c.serve(w, r, f)
					return
				}
				hubtest.ServeRange(w, r, f.Data)
			}
			_, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "hub: org/name: model.safetensors: ")
			require.NotContains(t, err.Error(), "signedsecret")
			require.NoDirExists(t, filepath.Join(cache, "models--org--name", "snapshots"))
		})
	}
}

// TestSmallFilesAreChecked: git's hash of a blob, which only holds its bytes.
func TestSmallFilesAreChecked(t *testing.T) {
	h := hubtest.Play(t, oneFile(10))
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		hubtest.ServeRange(w, r, strings.ReplaceAll(c.Data, "{}", "[]"))
	}
	_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, "org/name"))
	require.ErrorIs(t, err, hub.ErrChecksum)
	require.ErrorContains(t, err, "config.json")
}

func TestStall(t *testing.T) {
	files := oneFile(5000)
	h := hubtest.Play(t, files)
	var times atomic.Int32
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		if !c.Large || times.Add(1) > 1 {
			hubtest.ServeRange(w, r, c.Data)
			return
		}
		fmt.Fprint(w, c.Data[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	path, err := client(t, h, t.TempDir(), hub.WithStall(50*time.Millisecond)).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, files, both)
	require.EqualValues(t, 2, times.Load())
}

func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../../x.json", "/etc/x.json", "a\x00b.json", "a/../../../x.json", `..\x.json`, "C:x.json", "a//b.json",
		"./x.json", strings.Repeat("a", 300) + ".json", "x\n.json"} {
		files := oneFile(10)
		files[name] = hubtest.Content{Data: "{}"}
		root := t.TempDir()
		h, cache := hubtest.Play(t, files), filepath.Join(root, "a", "b", "cache")
		_, err := client(t, h, cache, hub.WithAllow("*")).Pull(t.Context(), ref(t, "org/name"))
		require.ErrorContains(t, err, "is refused as a path", name)
		require.NoDirExists(t, cache, "nothing was written")
		require.Zero(t, h.Count("STORE"))
	}
}

func TestHostileAnswers(t *testing.T) {
	answer := func(path, body string, header ...string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, path) {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			fmt.Fprint(w, body)
			return true
		}
	}
	hash := strings.Repeat("0", 40)
	for _, c := range []struct {
		name      string
		intercept func(w http.ResponseWriter, r *http.Request) bool
		want      string
	}{
		{"no commit", answer("/revision/", `{"sha":"../../../etc"}`), `sha "../../../etc" is no commit`},
		{"no sha", answer("/revision/", `{}`), `sha "" is no commit`},
		{"no JSON", answer("/revision/", `<html>`), "the hub's answer: invalid character"},
		{"a list where none ends", answer("/tree/", `[]`, "Link", `</tree/x>; rel="next"`), "more than 1000 pages"},
		{"a list elsewhere", answer("/tree/", `[]`, "Link", `<http://127.0.0.1:1/tree/x>; rel="next"`), "next page is not of 127.0.0.1"},
		{"too many files", answer("/tree/", "["+strings.Repeat(`{"path":"x"},`, 100_000)+`{"path":"y"}]`), "more than 100000 files"},
		{"the same file twice", answer("/tree/", `[{"path":"a.json"},{"path":"a.json"}]`), `"a.json" is there twice`},
		{"a size below nothing", answer("/tree/", `[{"path":"a.json","size":-5}]`), "has no size"},
		{"nothing", answer("/tree/", `[]`), "none of its 0 files is wanted"},
		{"ETag that climbs", answer("/resolve/", "{}", "ETag", `"../../x"`), `ETag "\"../../x\"" cannot name a blob`},
		{"no ETag", answer("/resolve/", "{}"), `ETag "" cannot name a blob`},
		{"another size", answer("/resolve/", "{}", "ETag", hash, "X-Linked-Size", "7"), "2 bytes in its list and 7 for the file"},
		{"no size", answer("/resolve/", "{}", "ETag", hash, "X-Linked-Size", "many"), `X-Linked-Size "many" is no size`},
		{"another commit", answer("/resolve/", "{}", "ETag", hash, "X-Repo-Commit", hubtest.Commit2), "answers for commit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, cache := hubtest.Play(t, map[string]hubtest.Content{"config.json": {Data: "{}"}}), t.TempDir()
			h.Intercept = c.intercept
			_, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "hub: org/name: ")
			left, err := os.ReadDir(cache)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}
