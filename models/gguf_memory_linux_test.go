package models

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// anonymous is the memory that the process has of its own: that of MLX and of Go,
// without mapped files.
func anonymous(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(status), "RssAnon:")
	require.True(t, ok)
	var kb int64
	_, err = fmt.Sscan(rest, &kb)
	require.NoError(t, err)
	return kb << 10
}

// highest runs fn and returns the most memory that the process had meanwhile.
func highest(t *testing.T, fn func()) int64 {
	t.Helper()
	var peak, stop atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for stop.Load() == 0 {
			peak.Store(max(peak.Load(), anonymous(t)))
			time.Sleep(time.Millisecond)
		}
	}()
	fn()
	stop.Store(1)
	<-done
	return peak.Load()
}

// Loading a GGUF file takes little more memory than the model has in the end:
// tensors are expanded and repacked in pieces. Counted is what the process has,
// vocabulary and garbage included.
func TestGGUFLoadingTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a real model")
	}
	path := testmodels.RequireGemma3(t)
	for _, form := range []WeightForm{Packed, Dense} {
		t.Run(string(form), func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) { require.NoError(t, th.ClearCache()) })
			debug.FreeOSMemory()
			before := anonymous(t)
			peak := highest(t, func() { loadTest(t, path, WithWeights(form), WithDtype(mlx.Float32)) }) - before
			var weights uint64
			leaktest.Do(t, func(th *mlx.Thread) {
				var err error
				weights, err = th.ActiveMemory()
				require.NoError(t, err)
			})
			debug.FreeOSMemory()
			after := anonymous(t) - before
			t.Logf("peak %d MB, then %d MB, of which weights %d MB", peak>>20, after>>20, weights>>20)
			require.Less(t, float64(peak), 1.15*float64(max(after, int64(weights)))) // the process may have had some of it before
		})
	}
}
