package hub_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

const (
	commit1 = "1111111111111111111111111111111111111111"
	commit2 = "2222222222222222222222222222222222222222"
	token   = "hf_SecretSecretSecret"
)

// content is a file of the played hub; large ones are kept on a second host.
type content struct {
	data  string
	large bool
	etag  string // instead of the right one
	size  int64  // instead of the right one
}

func (c content) hash() string {
	if c.etag != "" {
		return c.etag
	}
	if c.large {
		sum := sha256.Sum256([]byte(c.data))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(c.data), c.data)))
	return hex.EncodeToString(sum[:])
}

func (c content) length() int64 {
	if c.size != 0 {
		return c.size
	}
	return int64(len(c.data))
}

// playedHub is a hub with one model, org/name, and a store beside it.
type playedHub struct {
	hub, store *httptest.Server
	page       int                                                      // entries of a page of the tree
	intercept  func(w http.ResponseWriter, r *http.Request) (done bool) // before the hub's answer
	serve      func(w http.ResponseWriter, r *http.Request, c content)  // bytes

	mu       sync.Mutex
	refs     map[string]string
	commits  map[string]map[string]content
	requests []string // method and path
	tokens   []string // Authorization at the store
}

// play starts a hub whose branch main is commit1.
func play(t *testing.T, files map[string]content) *playedHub {
	t.Helper()
	h := &playedHub{
		page:    1000,
		refs:    map[string]string{"main": commit1, "refs/pr/1": commit1},
		commits: map[string]map[string]content{commit1: files},
		serve:   func(w http.ResponseWriter, r *http.Request, c content) { serveRange(w, r, c.data) },
	}
	h.hub = httptest.NewServer(http.HandlerFunc(h.answer))
	h.store = httptest.NewServer(http.HandlerFunc(h.answerStore))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.store.Close)
	return h
}

// client is one of a cache folder, that asks this hub.
func (h *playedHub) client(t *testing.T, cache string, opts ...hub.Option) *hub.Client {
	t.Helper()
	return newClient(t, append([]hub.Option{hub.WithCacheDir(cache), hub.WithEndpoint(h.hub.URL), hub.WithOffline(false),
		hub.WithToken(token), hub.Impatient}, opts...)...)
}

func newClient(t *testing.T, opts ...hub.Option) *hub.Client {
	t.Helper()
	c, err := hub.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *playedHub) count(prefix string) (n int) {
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
func (h *playedHub) answer(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	h.mu.Unlock()
	if h.intercept != nil && h.intercept(w, r) {
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
		refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	}
}

func refuse(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("X-Error-Code", reason)
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(code)
}

func (h *playedHub) revision(w http.ResponseWriter, name string) {
	name, _ = url.PathUnescape(name)
	h.mu.Lock()
	defer h.mu.Unlock()
	commit, ok := h.refs[name]
	if !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+name)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"id": "org/name", "sha": commit, "siblings": []any{}})
}

// tree lists a commit, in pages.
func (h *playedHub) tree(w http.ResponseWriter, r *http.Request, commit string) {
	files, ok := h.commits[commit]
	if !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "")
		return
	}
	list := []map[string]any{{"type": "directory", "path": "sub", "oid": "0", "size": 0}}
	for _, name := range sorted(files) {
		c := files[name]
		e := map[string]any{"type": "file", "path": name, "oid": c.hash(), "size": c.length()}
		if c.large {
			e["lfs"] = map[string]any{"oid": c.hash(), "size": c.length(), "pointerSize": 134}
		}
		list = append(list, e)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	if to := from + h.page; to < len(list) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, h.hub.URL, r.URL.Path, to))
		list = list[:to]
	}
	json.NewEncoder(w).Encode(list[from:])
}

// resolve is a file: here, or a redirect to the store.
func (h *playedHub) resolve(w http.ResponseWriter, r *http.Request, rest string) {
	commit, name, _ := strings.Cut(rest, "/")
	name, _ = url.PathUnescape(name)
	c, ok := h.commits[commit][name]
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if c.large {
		w.Header().Set("X-Linked-Etag", strconv.Quote(c.hash()))
		w.Header().Set("X-Linked-Size", strconv.FormatInt(c.length(), 10))
		w.Header().Set("ETag", `"of-the-redirect"`)
		http.Redirect(w, r, h.store.URL+"/"+url.PathEscape(commit+"/"+name)+"?signature=signedsecret", http.StatusFound)
		return
	}
	w.Header().Set("ETag", "W/"+strconv.Quote(c.hash()))
	h.serve(w, r, c)
}

// answerStore is the second host.
func (h *playedHub) answerStore(w http.ResponseWriter, r *http.Request) {
	commit, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h.mu.Lock()
	h.tokens = append(h.tokens, r.Header.Get("Authorization"))
	h.requests = append(h.requests, "STORE "+name)
	h.mu.Unlock()
	if r.URL.Query().Get("signature") != "signedsecret" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", `"of-the-store"`)
	h.serve(w, r, h.commits[commit][name])
}

// serveRange answers with data, or the rest of it from where Range says.
func serveRange(w http.ResponseWriter, r *http.Request, data string) {
	from, code := 0, http.StatusOK
	if s := r.Header.Get("Range"); s != "" {
		from, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(s, "bytes="), "-"))
		code = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		fmt.Fprint(w, data[from:])
	}
}

// cutAt answers as serveRange does and cuts the connection after n bytes.
func cutAt(w http.ResponseWriter, r *http.Request, data string, n int) {
	cut := &cutter{ResponseWriter: w, left: n}
	serveRange(cut, r, data)
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
	c.ResponseWriter.Write(b[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// watchTokens notes what the hub itself is shown.
func (h *playedHub) watchTokens() {
	h.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tokens = append(h.tokens, r.Header.Get("Authorization"))
		return false
	}
}
