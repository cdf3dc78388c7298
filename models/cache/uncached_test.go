package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A pass without a cache attends as the first pass with one does, and the next
// one begins anew.
func TestUncached(t *testing.T) {
	x := newSequence(2, 4, 2, 7, 8)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := newCache(t, th, 3)
		defer kv.Close()
		u := kv.Uncached()
		require.Len(t, u.Layers, 3)
		for range 2 {
			x.requireAttend(t, th, u.Layers[1], 0, 7)
			require.Equal(t, 0, u.Offset())
			require.Empty(t, u.State())
		}
		require.NoError(t, u.Trim(0))
		require.Error(t, u.Trim(1))
		require.Error(t, u.Layers[0].Trim(1))
		require.NoError(t, u.Close())
	})
}
