package hub

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Client gets models. Its methods may be called from any goroutine.
type Client struct {
	settings
	base     *url.URL
	http     *http.Client
	workers  int
	ranges   ranges
	backoff  backoff
	stall    time.Duration
	progress func(Progress)
	allow    []string
	ignore   []string
	free     func(dir string) (bytes uint64, ok bool) // on its disk
}

// Option changes a Client.
type Option func(*Client)

// WithCacheDir sets the folder of the cache, $HF_HUB_CACHE itself.
func WithCacheDir(dir string) Option { return func(c *Client) { c.cacheDir = dir } }

// WithEndpoint sets the address of the hub.
func WithEndpoint(url string) Option { return func(c *Client) { c.endpoint = url } }

// WithToken sets the token; an empty one asks as nobody.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithOffline forbids the network, or allows it.
func WithOffline(offline bool) Option { return func(c *Client) { c.offline = offline } }

// WithWorkers sets how many files come at once; the default is 8.
func WithWorkers(n int) Option { return func(c *Client) { c.workers = max(n, 1) } }

// WithRanges sets how many pieces of a large file come at once; the default is 4, and
// 1 takes files whole. A piece takes 8 MiB of memory.
func WithRanges(n int) Option { return func(c *Client) { c.ranges.most = n } }

// WithProgress calls f as bytes arrive, never twice at once.
func WithProgress(f func(Progress)) Option { return func(c *Client) { c.progress = f } }

// WithAllow takes only files that match one of the patterns, instead of those that
// a model is loaded from. Patterns are fnmatch's, as in huggingface_hub: * matches
// every text, / too, and a pattern that ends in / means everything below.
func WithAllow(patterns ...string) Option {
	return func(c *Client) { c.allow = append(c.allow, patterns...) }
}

// WithIgnore leaves out files that match one of the patterns.
func WithIgnore(patterns ...string) Option {
	return func(c *Client) { c.ignore = append(c.ignore, patterns...) }
}

// New makes a client of what the environment and the options say.
func New(opts ...Option) (*Client, error) {
	s, err := environment()
	if err != nil {
		return nil, err
	}
	c := &Client{settings: s, workers: 8, ranges: defaultRanges, backoff: defaultBackoff, stall: 30 * time.Second, progress: func(Progress) {}, free: freeSpace}
	for _, o := range opts {
		o(c)
	}
	if strings.ContainsFunc(c.token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("hub: the token has characters that no token has")
	}
	if c.base, err = parseEndpoint(c.endpoint); err != nil {
		return nil, err
	}
	c.http = c.newHTTP()
	return c, nil
}

// CacheDir is the folder of the cache.
func (c *Client) CacheDir() string { return c.cacheDir }

// Progress tells how far a snapshot is. Sizes are bytes.
type Progress struct {
	File        string // the file whose bytes arrived
	Done, Size  int64  // of the file; both count what was there before
	AllDone     int64  // of all files that are wanted
	AllSize     int64
	Files       int   // how many are wanted
	Transferred int64 // bytes that came over the network
}

// tally adds the progress of several files up.
type tally struct {
	mu     sync.Mutex
	report func(Progress)
	sum    Progress
	done   map[string]int64
}

func newTally(report func(Progress), files []file) *tally {
	t := &tally{report: report, done: map[string]int64{}}
	t.sum.Files = len(files)
	for _, f := range files {
		t.sum.AllSize += f.Size
	}
	return t
}

// set tells that done bytes of a file are there, of which fresh just came.
func (t *tally) set(f file, done, fresh int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.AllDone += done - t.done[f.Path]
	t.done[f.Path] = done
	t.sum.Transferred += fresh
	t.sum.File, t.sum.Done, t.sum.Size = f.Path, done, f.Size
	t.report(t.sum)
}
