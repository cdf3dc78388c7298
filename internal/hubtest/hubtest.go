// Package hubtest plays the Hugging Face Hub on this machine, for tests: one model,
// org/name, and a second host that large files come from.
package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Commits that a hub has, or may get.
const (
	Commit1 = "1111111111111111111111111111111111111111"
	Commit2 = "2222222222222222222222222222222222222222"
)

// Content is a file of the played hub; large ones are kept on a second host.
type Content struct {
	Data  string
	Large bool
	ETag  string // instead of the right one
	Size  int64  // instead of the right one
}

// Hash is the ETag: git's of a small file, the sha256 of a large one.
func (c Content) Hash() string {
	if c.ETag != "" {
		return c.ETag
	}
	if c.Large {
		sum := sha256.Sum256([]byte(c.Data))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(c.Data), c.Data)))
	return hex.EncodeToString(sum[:])
}

func (c Content) length() int64 {
	if c.Size != 0 {
		return c.Size
	}
	return int64(len(c.Data))
}

// Hub is a hub with one model, org/name, and a store beside it.
type Hub struct {
	Server    *httptest.Server
	Page      int                                                      // entries of a page of the tree
	Intercept func(w http.ResponseWriter, r *http.Request) (done bool) // before the hub's answer
	Serve     func(w http.ResponseWriter, r *http.Request, c Content)  // bytes
	Refs      map[string]string
	Commits   map[string]map[string]Content
	Tokens    []string // Authorization of each request to the store

	store    *httptest.Server
	mu       sync.Mutex
	requests []string // method and path
}

// Play starts a hub whose branch main is Commit1.
func Play(t *testing.T, files map[string]Content) *Hub {
	t.Helper()
	h := &Hub{
		Page:    1000,
		Refs:    map[string]string{"main": Commit1, "refs/pr/1": Commit1},
		Commits: map[string]map[string]Content{Commit1: files},
		Serve:   func(w http.ResponseWriter, r *http.Request, c Content) { ServeRange(w, r, c.Data) },
	}
	h.Server = httptest.NewServer(http.HandlerFunc(h.answer))
	h.store = httptest.NewServer(http.HandlerFunc(h.answerStore))
	t.Cleanup(h.Server.Close)
	t.Cleanup(h.store.Close)
	return h
}

// Count counts the requests whose method and path begin so; STORE and a file are
// those to the second host.
func (h *Hub) Count(prefix string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// answer plays the hub itself.
func (h *Hub) answer(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	h.mu.Unlock()
	if h.Intercept != nil && h.Intercept(w, r) {
		return
	}
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/api/models/org/name/revision/"); ok {
		h.revision(w, rest)
	} else if rest, ok := strings.CutPrefix(path, "/api/models/org/name/tree/"); ok {
		h.tree(w, r, rest)
	} else if rest, ok := strings.CutPrefix(path, "/org/name/resolve/"); ok {
		h.resolve(w, r, rest)
	} else {
		Refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	}
}

// Refuse answers as the hub does when it refuses.
func Refuse(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("X-Error-Code", reason)
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(code)
}

func (h *Hub) revision(w http.ResponseWriter, name string) {
	name, _ = url.PathUnescape(name)
	h.mu.Lock()
	defer h.mu.Unlock()
	commit, ok := h.Refs[name]
	if !ok {
		Refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+name)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"id": "org/name", "sha": commit, "siblings": []any{}})
}

// tree lists a commit, in pages.
func (h *Hub) tree(w http.ResponseWriter, r *http.Request, commit string) {
	files, ok := h.Commits[commit]
	if !ok {
		Refuse(w, http.StatusNotFound, "RevisionNotFound", "")
		return
	}
	list := []map[string]any{{"type": "directory", "path": "sub", "oid": "0", "size": 0}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c := files[name]
		e := map[string]any{"type": "file", "path": name, "oid": c.Hash(), "size": c.length()}
		if c.Large {
			e["lfs"] = map[string]any{"oid": c.Hash(), "size": c.length(), "pointerSize": 134}
		}
		list = append(list, e)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	if to := from + h.Page; to < len(list) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, h.Server.URL, r.URL.Path, to))
		list = list[:to]
	}
	_ = json.NewEncoder(w).Encode(list[from:])
}

// resolve is a file: here, or a redirect to the store.
func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, rest string) {
	commit, name, _ := strings.Cut(rest, "/")
	name, _ = url.PathUnescape(name)
	c, ok := h.Commits[commit][name]
	if !ok {
		Refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if c.Large {
		w.Header().Set("X-Linked-Etag", strconv.Quote(c.Hash()))
		w.Header().Set("X-Linked-Size", strconv.FormatInt(c.length(), 10))
		w.Header().Set("ETag", `"of-the-redirect"`)
		http.Redirect(w, r, h.store.URL+"/"+url.PathEscape(commit+"/"+name)+"?signature=signedsecret", http.StatusFound)
		return
	}
	w.Header().Set("ETag", "W/"+strconv.Quote(c.Hash()))
	h.Serve(w, r, c)
}

// answerStore is the second host.
func (h *Hub) answerStore(w http.ResponseWriter, r *http.Request) {
	commit, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h.mu.Lock()
	h.Tokens = append(h.Tokens, r.Header.Get("Authorization"))
	h.requests = append(h.requests, "STORE "+name)
	h.mu.Unlock()
	if r.URL.Query().Get("signature") != "signedsecret" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", `"of-the-store"`)
	h.Serve(w, r, h.Commits[commit][name])
}

// ServeRange answers with data, or the bytes that Range names.
func ServeRange(w http.ResponseWriter, r *http.Request, data string) {
	from, to, code := 0, len(data), http.StatusOK
	if first, last, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"); ok {
		from, _ = strconv.Atoi(first)
		if n, err := strconv.Atoi(last); err == nil {
			to = n + 1
		}
		code = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		fmt.Fprint(w, data[from:to])
	}
}

// CutAt answers as ServeRange does and cuts the connection after n bytes.
func CutAt(w http.ResponseWriter, r *http.Request, data string, n int) {
	cut := &cutter{ResponseWriter: w, left: n}
	ServeRange(cut, r, data)
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// WatchTokens notes what the hub itself is shown.
func (h *Hub) WatchTokens() {
	h.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.Tokens = append(h.Tokens, r.Header.Get("Authorization"))
		return false
	}
}

// Environment names this hub and an empty cache, for the time of the test.
func (h *Hub) Environment(t *testing.T) (cache string) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
		"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_HOME", home)
	t.Setenv("HF_ENDPOINT", h.Server.URL)
	return filepath.Join(home, "hub")
}
