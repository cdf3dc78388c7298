package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A layer that shares another's keys and values attends as one that was given
// the same: in any kind and form of cache, in chunks and in steps.
func TestSeenIsWhatWasAttendedTo(t *testing.T) {
	for name, c := range map[string]struct {
		kind cache.Kind
		opts []cache.Option
	}{
		"full":    {cache.Full(), nil},
		"sliding": {cache.Sliding(6), nil},
		"bounded": {cache.Full(), []cache.Option{cache.WithMaxSize(7)}},
		"8 bits":  {cache.Sliding(6), []cache.Option{cache.WithBits(8, 32)}},
	} {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := cache.New(th, []cache.Kind{c.kind, c.kind}, c.opts...)
				defer func() { require.NoError(t, kv.Close()) }()
				for at, length := range []int{5, 7, 1, 1, 2, 1} {
					requireSeen(t, th, kv, uint64(at), length)
				}
				requireSeen(t, th, kv.Uncached(), 9, 9)
			})
		})
	}
}

// requireSeen attends in both layers of kv to the same random keys and values,
// and by what the first one saw.
func requireSeen(t *testing.T, th *mlx.Thread, kv *cache.Cache, seed uint64, length int) {
	t.Helper()
	both, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		random := func(i uint64, heads int) mlx.Array {
			return s.RandomNormal([]int{2, heads, length, 32}, mlx.Float32, 0, 1, s.RandomKey(10*seed+i))
		}
		q, other, k, v := random(0, 4), random(1, 4), random(2, 2), random(3, 2)
		a, seen := cache.Attention{Scale: 0.3}, new(cache.Seen)
		kv.KV(s, 0).Attend(s, q, k, v, a.NotedIn(seen))
		return []mlx.Array{kv.KV(s, 1).Attend(s, other, k, v, a), seen.Attend(s, other, a)}
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, mlx.CloseAll(both...)) }()
	want, err := mlx.Values[float32](th, both[0])
	require.NoError(t, err)
	have, err := mlx.Values[float32](th, both[1])
	require.NoError(t, err)
	require.InDeltaSlice(t, want, have, 1e-5, "our own kernel notes nothing, and MLX sums in another order")
}
