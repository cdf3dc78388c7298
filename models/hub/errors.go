package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What went wrong, for errors.Is.
var (
	ErrRepoNotFound     = errors.New("no such model, or a private one that the token does not open")
	ErrRevisionNotFound = errors.New("no such revision")
	ErrEntryNotFound    = errors.New("no such file")
	ErrGated            = errors.New("a gated model: accept its terms on its page, and set HF_TOKEN to a token of that account")
	ErrUnauthorized     = errors.New("the token is missing or not valid: set HF_TOKEN")
	ErrForbidden        = errors.New("the token does not permit this")
	ErrRateLimited      = errors.New("too many requests")
	ErrServer           = errors.New("the server failed")
	ErrNotCached        = errors.New("not in the cache")
	ErrOffline          = errors.New("offline (HF_HUB_OFFLINE)")
	ErrChecksum         = errors.New("the bytes have another hash than the hub says")
)

// StatusError is an answer of the hub that is not the one wanted. It is one of the
// errors above, for errors.Is.
type StatusError struct {
	Code    int    // of HTTP
	Message string // the hub's own words; may be empty
	kind    error
	retry   time.Duration // Retry-After; 0 where there is none
}

// Error tells the meaning, the code and what the hub said.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("HTTP %d", e.Code)
	if e.kind != nil {
		s = fmt.Sprintf("%v (HTTP %d)", e.kind, e.Code)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Unwrap returns what the answer means.
func (e *StatusError) Unwrap() error { return e.kind }

// statusError reads an answer; nil is one of success.
func (c *Client) statusError(r *http.Response) error {
	if r.StatusCode < 300 {
		return nil
	}
	e := &StatusError{
		Code:    r.StatusCode,
		Message: c.redact(printable(r.Header.Get("X-Error-Message"))),
		kind:    meaning(r.StatusCode, r.Header.Get("X-Error-Code")),
		retry:   retryAfter(r.Header.Get("Retry-After")),
	}
	return e
}

// meaning is what a code of HTTP and the hub's X-Error-Code say.
func meaning(code int, reason string) error {
	switch reason {
	case "RepoNotFound":
		return ErrRepoNotFound
	case "RevisionNotFound":
		return ErrRevisionNotFound
	case "EntryNotFound":
		return ErrEntryNotFound
	case "GatedRepo":
		return ErrGated
	}
	switch {
	case code == http.StatusUnauthorized:
		return ErrUnauthorized
	case code == http.StatusForbidden:
		return ErrForbidden
	case code == http.StatusNotFound:
		return ErrEntryNotFound
	case code == http.StatusTooManyRequests:
		return ErrRateLimited
	case code >= 500:
		return ErrServer
	}
	return nil
}

// printable bounds words of the server and leaves out what a terminal would obey.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	return fmt.Sprintf("%.300s", s)
}

// redact takes the token out of words of others.
func (c *Client) redact(s string) string {
	if c.token == "" {
		return s
	}
	return strings.ReplaceAll(s, c.token, "[token]")
}
