package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A step of every kind writes in place: a ring while it fills and when it turns,
// packed numbers too.
func TestEveryKindWritesInPlace(t *testing.T) {
	const heads, capacity, dim = 4, 8192, 64
	const size = 2 * heads * capacity * dim * 4
	for what, c := range map[string]struct {
		opts  []cache.Option
		fill  int
		bytes uint64
	}{
		"ring that fills":           {[]cache.Option{cache.WithMaxSize(capacity)}, capacity - 10, size},
		"ring that turns":           {[]cache.Option{cache.WithMaxSize(capacity)}, capacity, size},
		"8 bits":                    {[]cache.Option{cache.WithBits(8, 64)}, capacity - 10, size / 4 * 72 / 64},
		"ring of 4 bits that turns": {[]cache.Option{cache.WithBits(4, 32), cache.WithMaxSize(capacity)}, capacity, size / 8 * 48 / 32},
	} {
		t.Run(what, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := cache.New(th, full, c.opts...)
				defer kv.Close()
				fill(t, th, kv.Layers[0].(cache.KV), heads, c.fill, dim)
				stepMemory(t, th, kv, heads, dim) // a ring takes its last size after a chunk
				slack := uint64(size / 4)         // scores and weights
				for range 4 {
					require.Less(t, stepMemory(t, th, kv, heads, dim), c.bytes+slack/2)
				}
				held, err := kv.State()[0].Retain()
				require.NoError(t, err)
				require.Greater(t, stepMemory(t, th, kv, heads, dim), c.bytes+c.bytes/5, "the measurement sees no copy")
				require.NoError(t, held.Close())
				require.Less(t, stepMemory(t, th, kv, heads, dim), c.bytes+slack/2, "after the handle was closed")
				require.Equal(t, capacity, shapeOf(t, kv.State()[0])[2])
			})
		})
	}
}
