package hub

import (
	"net/http"
	"time"
)

// Impatient makes a client's waits short.
func Impatient(c *Client) {
	c.backoff = backoff{first: time.Millisecond, most: 5 * time.Millisecond, patience: 3 * time.Second, tries: 4}
	c.stall = 2 * time.Second
}

// WithStall sets how long a transfer may stand still.
func WithStall(d time.Duration) Option { return func(c *Client) { c.stall = d } }

// Fnmatch reports whether a pattern matches.
func Fnmatch(pattern, name string) bool { return matcher([]string{pattern})(name) }

// Through sends requests through rt, with one try each.
func Through(c *Client, rt http.RoundTripper) {
	c.http.Transport = rt
	c.backoff.tries = 1
}

// WithSmallRanges takes small files in pieces.
func WithSmallRanges(most int, size int64) Option {
	return func(c *Client) { c.ranges = ranges{most: most, size: size, from: size} }
}

// WithFree sets what the disk has left.
func WithFree(n uint64) Option {
	return func(c *Client) { c.free = func(string) (uint64, bool) { return n, true } }
}
