package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// newHTTP makes a client that gives the token to the endpoint alone.
func (c *Client) newHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = c.stall
	t.DisableCompression = true
	return &http.Client{
		Transport: &authTransport{base: t, endpoint: c.base, token: c.token},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.Method == http.MethodHead && !sameOrigin(r.URL, c.base) {
				return http.ErrUseLastResponse // the hub's headers are wanted, not the store's
			}
			if len(via) >= 10 {
				return errors.New("10 redirects, one after another")
			}
			return nil
		},
	}
}

// authTransport adds the token to requests to the endpoint. It never stands in a
// request that could be copied to another host.
type authTransport struct {
	base     http.RoundTripper
	endpoint *url.URL
	token    string
}

func (t *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Referer")
	if t.token != "" && sameOrigin(r.URL, t.endpoint) {
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.base.RoundTrip(r)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// backoff says when to ask again.
type backoff struct {
	first, most time.Duration // doubling between them
	patience    time.Duration // the longest Retry-After that is waited for
	tries       int           // without a byte of progress
}

var defaultBackoff = backoff{first: 500 * time.Millisecond, most: 10 * time.Second, patience: 5 * time.Minute, tries: 6}

// wait sleeps before another try, or returns the error that ends them: the context's,
// or err when it is not one that passes.
func (b backoff) wait(ctx context.Context, try int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !passes(err) {
		return err
	}
	pause := min(b.first<<min(try, 20), b.most)
	pause = pause/2 + rand.N(pause/2+1)
	var status *StatusError
	if errors.As(err, &status) && status.retry > 0 {
		if pause = status.retry; pause > b.patience {
			return fmt.Errorf("%w; the server wants another try in %v", err, pause)
		}
	}
	if try+1 >= b.tries {
		return fmt.Errorf("after %d tries: %w", b.tries, err)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// finalError is what trying again does not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func isFinal(err error) bool {
	var end finalError
	return errors.As(err, &end)
}

// final makes an error that ends the tries.
func final(format string, args ...any) error { return finalError{fmt.Errorf(format, args...)} }

// passes reports whether another try may succeed.
func passes(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var name *net.DNSError
	if errors.As(err, &name) && name.IsNotFound {
		return false // no network, or no such host
	}
	return !isFinal(err)
}

// retryAfter reads seconds or a date.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// retry calls do until it succeeds or an error ends it.
func (c *Client) retry(ctx context.Context, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if err == nil {
			return nil
		}
		if err := c.backoff.wait(ctx, try, err); err != nil {
			return err
		}
	}
}

// do sends a request once. The error says no address: those that the hub redirects
// to are keys themselves.
func (c *Client) do(ctx context.Context, method, address string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, final("the hub gave an address that is none")
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("User-Agent", "go-mlx")
	r.Header.Set("Accept-Encoding", "identity")
	resp, err := c.http.Do(r)
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.base.Host, err)
	}
	return resp, nil
}

// address is an address of the hub, of parts that are escaped one by one.
func (c *Client) address(parts ...string) string {
	s := c.base.String()
	for _, p := range parts {
		for piece := range strings.SplitSeq(p, "/") {
			s += "/" + url.PathEscape(piece)
		}
	}
	return s
}
