package models

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The thread starts beside the opening of the file. A file that is none fails at once, be
// the thread busy or the caller's own, and a worker that was stopped fails as ever.
func TestLoadBesideTheThread(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.gguf")
	w := mlx.NewWorker()
	busy, release := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- w.Do(t.Context(), func(*mlx.Thread) error { close(busy); <-release; return nil })
	}()
	<-busy
	_, err := Load(t.Context(), missing, WithWorker(w))
	require.ErrorContains(t, err, "models: load "+missing)
	close(release)
	require.NoError(t, <-ended)

	require.NoError(t, w.Do(t.Context(), func(*mlx.Thread) error {
		_, err := Load(t.Context(), missing, WithWorker(w))
		require.ErrorContains(t, err, "missing.gguf")
		return nil
	}))
	require.NoError(t, w.Stop())
	_, err = Load(t.Context(), tiny(t, "gqa"), WithWorker(w))
	require.ErrorIs(t, err, mlx.ErrStopped)
}
