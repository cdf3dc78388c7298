package hub_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/hubtest"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// bePull makes this test program one that pulls org/name.
const bePull = "GO_MLX_TEST_BE_PULL"

func TestMain(m *testing.M) {
	if os.Getenv(bePull) == "" {
		os.Exit(m.Run())
	}
	c, err := hub.New(hub.Impatient)
	if err == nil {
		var path string
		if path, err = c.Pull(context.Background(), hub.Ref{Repo: "org/name"}); err == nil {
			fmt.Print(path)
			os.Exit(0)
		}
	}
	fmt.Fprint(os.Stderr, err)
	os.Exit(1)
}

// puller is a process of its own that pulls into a cache.
func puller(t *testing.T, h *hubtest.Hub, cache string) *exec.Cmd {
	h.Count("") // its lock: what was set until now is seen by what the other process asks for
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = []string{bePull + "=1", "HF_ENDPOINT=" + h.Server.URL, "HF_HUB_CACHE=" + cache, "HF_HOME=" + t.TempDir()}
	return cmd
}

// TestKill: a process that is killed in the middle of a file leaves what the next
// one goes on with.
func TestKill(t *testing.T) {
	files := oneFile(100_000)
	h, cache := hubtest.Play(t, files), t.TempDir()
	half := make(chan struct{})
	var mu sync.Mutex
	var ranges []string
	h.Serve = func(w http.ResponseWriter, r *http.Request, c hubtest.Content) {
		if !c.Large {
			hubtest.ServeRange(w, r, c.Data)
			return
		}
		mu.Lock()
		ranges = append(ranges, r.Header.Get("Range"))
		first := len(ranges) == 1
		mu.Unlock()
		if !first {
			hubtest.ServeRange(w, r, c.Data)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(c.Data)))
		fmt.Fprint(w, c.Data[:50_000])
		w.(http.Flusher).Flush()
		close(half)
		<-r.Context().Done()
	}
	cmd := puller(t, h, cache)
	require.NoError(t, cmd.Start())
	<-half
	part := filepath.Join(cache, "models--org--name", "blobs", files["model.safetensors"].Hash()+".incomplete")
	require.Eventually(t, func() bool {
		info, err := os.Stat(part)
		return err == nil && info.Size() == 50_000
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	path, err := client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
	requireFiles(t, path, files, both)
	requireNoParts(t, cache)
	require.Equal(t, []string{"", "bytes=50000-"}, ranges)
}

// TestProcessesTogether: several processes pull at once, and each file comes once.
func TestProcessesTogether(t *testing.T) {
	files := someModel()
	h, cache := hubtest.Play(t, files), t.TempDir()
	var cmds []*exec.Cmd
	for range 3 {
		cmd := puller(t, h, cache)
		cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
		require.NoError(t, cmd.Start())
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		require.NoError(t, cmd.Wait(), cmd.Stderr)
		requireFiles(t, fmt.Sprint(cmd.Stdout), files, wanted)
	}
	requireNoParts(t, cache)
	require.Equal(t, 3, h.Count("STORE"), "three large files")
}

// TestLocks: a file that a dead process left is no lock; one that is held is waited
// for, until the context ends.
func TestLocks(t *testing.T) {
	files := oneFile(1000)
	h, cache := hubtest.Play(t, files), t.TempDir()
	path := filepath.Join(cache, ".locks", "models--org--name", files["model.safetensors"].Hash()+".lock")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	held := flock.New(path)
	require.NoError(t, held.Lock())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := client(t, h, cache).Pull(ctx, ref(t, "org/name"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, h.Count("STORE"))
	require.NoError(t, held.Close())
	_, err = client(t, h, cache).Pull(t.Context(), ref(t, "org/name"))
	require.NoError(t, err)
}
