package hub_test

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// TestStatus: what the hub answers is told apart, asked again where that helps, and
// says no secrets.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   int
		reason string
		want   error
		tries  int
	}{
		{"no repository", 404, "RepoNotFound", hub.ErrRepoNotFound, 1},
		{"private, as nobody", 401, "RepoNotFound", hub.ErrRepoNotFound, 1},
		{"no revision", 404, "RevisionNotFound", hub.ErrRevisionNotFound, 1},
		{"no file", 404, "EntryNotFound", hub.ErrEntryNotFound, 1},
		{"gated", 403, "GatedRepo", hub.ErrGated, 1},
		{"gated, as nobody", 401, "GatedRepo", hub.ErrGated, 1},
		{"bad token", 401, "", hub.ErrUnauthorized, 1},
		{"forbidden", 403, "", hub.ErrForbidden, 1},
		{"too many", 429, "", hub.ErrRateLimited, 4},
		{"broken", 500, "", hub.ErrServer, 4},
		{"bad gateway", 502, "", hub.ErrServer, 4},
		{"away", 503, "", hub.ErrServer, 4},
		{"late", 504, "", hub.ErrServer, 4},
		{"not implemented", 501, "", hub.ErrServer, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hubtest.Play(t, someModel())
			h.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				hubtest.Refuse(w, c.code, c.reason, "no: "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
				return true
			}
			_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, "org/name"))
			require.ErrorIs(t, err, c.want)
			var status *hub.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, c.code, status.Code)
			require.Equal(t, c.tries, h.Count(""))
			require.ErrorContains(t, err, "hub: org/name: ")
			require.ErrorContains(t, err, "no: [token]")
			require.NotContains(t, err.Error(), token)
		})
	}
}

// TestFailuresThatPass: a sequence of failures, then the answer.
func TestFailuresThatPass(t *testing.T) {
	files := someModel()
	h := hubtest.Play(t, files)
	var n atomic.Int32
	codes := []int{503, 429, 0, 500, 0, 502, 504, 0, 408, 429, 503, 0}
	h.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if i := int(n.Add(1)) - 1; i < len(codes) && codes[i] != 0 {
			w.WriteHeader(codes[i])
			return true
		}
		return false
	}
	path, err := client(t, h, t.TempDir(), hub.WithWorkers(1)).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, files, wanted)
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name  string
		after string
		waits time.Duration
		want  string
	}{
		{"seconds", "1", time.Second, ""},
		{"a date", time.Now().Add(2500 * time.Millisecond).UTC().Format(http.TimeFormat), 500 * time.Millisecond, ""},
		{"too long", "3600", 0, "the server wants another try in 1h0m0s"},
		{"nonsense", "soon", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := hubtest.Play(t, map[string]hubtest.Content{"config.json": {Data: "{}"}})
			var n atomic.Int32
			h.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if n.Add(1) > 1 {
					return false
				}
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			began := time.Now()
			_, err := client(t, h, t.TempDir()).Pull(t.Context(), ref(t, "org/name"))
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Since(began), c.waits)
		})
	}
}

// TestNoNetwork: a host that is not found is not asked for again and again.
func TestNoNetwork(t *testing.T) {
	began := time.Now()
	c := newClient(t, hub.WithCacheDir(t.TempDir()), hub.WithEndpoint("http://hub.invalid"), hub.WithOffline(false))
	_, err := c.Pull(t.Context(), ref(t, "org/name"))
	require.ErrorContains(t, err, "hub: org/name: hub.invalid: ")
	var name *net.DNSError
	require.ErrorAs(t, err, &name)
	if name.IsNotFound {
		require.Less(t, time.Since(began), 10*time.Second)
	}
}
