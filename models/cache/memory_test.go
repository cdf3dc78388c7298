package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A step writes into the buffers in place: at a capacity of 8192 tokens it takes
// hardly more memory than the cache. The handle that somebody else still has on
// the buffers is what makes MLX copy them.
func TestStepWritesInPlace(t *testing.T) {
	const heads, capacity, dim = 4, 8192, 64
	const size = 2 * heads * capacity * dim * 4
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := newCache(t, th, 1)
		defer kv.Close()
		fill(t, th, kv.Layers[0].(cache.KV), heads, capacity-10, dim)
		require.Equal(t, []int{1, heads, capacity, dim}, shapeOf(t, kv.State()[0]))
		for range 4 {
			require.Less(t, stepMemory(t, th, kv, heads, dim), uint64(size+size/2))
		}
		held, err := kv.State()[0].Retain()
		require.NoError(t, err)
		require.Greater(t, stepMemory(t, th, kv, heads, dim), uint64(size+size/2), "the measurement sees no copy")
		require.NoError(t, held.Close())
		require.Less(t, stepMemory(t, th, kv, heads, dim), uint64(size+size/2), "after the handle was closed")
	})
}

// fill puts n tokens of zeros into a cache.
func fill(t *testing.T, th *mlx.Thread, kv cache.KV, heads, n, dim int) {
	t.Helper()
	_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		x := s.Zeros([]int{1, heads, n, dim}, mlx.Float32)
		kv.Attend(s, x, x, x, cache.Attention{Scale: 1})
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, th.Eval(kv.State()...))
	require.Equal(t, n, kv.Offset())
}

// stepMemory is the most that MLX holds during a step, beyond what it held for
// other things before the cache.
func stepMemory(t *testing.T, th *mlx.Thread, kv *cache.Cache, heads, dim int) uint64 {
	t.Helper()
	require.NoError(t, th.ClearCache())
	require.NoError(t, th.ResetPeakMemory())
	out, err := th.Build(func(s *mlx.Scope) mlx.Array {
		x := s.Full([]int{1, heads, 1, dim}, s.Scalar(0.5, mlx.Float32), mlx.Float32)
		return kv.KV(s, 0).Attend(s, x, x, x, cache.Attention{Scale: 1})
	})
	require.NoError(t, err)
	require.NoError(t, th.Eval(append(kv.State(), out)...))
	require.NoError(t, out.Close())
	peak, err := th.PeakMemory()
	require.NoError(t, err)
	return peak
}

// Trimming keeps the buffers, and so does writing behind the trimmed place.
func TestTrimAllocatesNothing(t *testing.T) {
	const heads, dim = 4, 64
	const size = 2 * heads * 8192 * dim * 4
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := newCache(t, th, 1)
		defer kv.Close()
		fill(t, th, kv.Layers[0].(cache.KV), heads, 8100, dim)
		require.NoError(t, kv.Trim(5000))
		require.Less(t, stepMemory(t, th, kv, heads, dim), uint64(size+size/2))
		require.Equal(t, 3101, kv.Offset())
		require.Equal(t, []int{1, heads, 8192, dim}, shapeOf(t, kv.State()[0]))
	})
}
