package cache_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A Build that fails after the tokens were stored leaves every layer as it was,
// empty or not, with room or about to grow; the next try is right.
func TestFailedBuildChangesNothing(t *testing.T) {
	x := newSequence(2, 2, 1, 300, 8)
	for _, c := range []struct{ have, more int }{{0, 5}, {5, 1}, {256, 1}, {200, 100}} {
		leaktest.Do(t, func(th *mlx.Thread) {
			kv := newCache(t, th, 2)
			defer kv.Close()
			if c.have > 0 {
				for _, l := range kv.Layers {
					x.requireStep(t, th, l, 0, c.have)
				}
			}
			state, live, boom := kv.State(), mlx.Live(), errors.New("boom")
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				q, k, v := x.inputs(s, c.have, c.have+c.more)
				h := kv.KV(s, 0).Attend(s, q, k, v, cache.Attention{Scale: scale})
				h = kv.KV(s, 1).Attend(s, h, k, v, cache.Attention{Scale: scale})
				s.Fail(boom)
				return h
			})
			require.ErrorIs(t, err, boom)
			require.Equal(t, c.have, kv.Offset())
			require.Equal(t, state, kv.State())
			require.Equal(t, live, mlx.Live())
			for _, l := range kv.Layers {
				x.requireStep(t, th, l, c.have, c.have+c.more)
			}
		})
	}
}

// Whichever operation of Attend fails, the cache is as it was.
func TestEveryOperationOfAttendMayFail(t *testing.T) {
	x := newSequence(1, 2, 2, 260, 8)
	leaktest.Do(t, func(th *mlx.Thread) {
		for _, have := range []int{0, 3, 256} {
			kv := newCache(t, th, 1)
			if have > 0 {
				x.requireStep(t, th, kv.Layers[0], 0, have)
			}
			state, live := kv.State(), mlx.Live()
			for n := 1; ; n++ {
				boom := fmt.Errorf("operation %d", n)
				th.FailAt(n, boom)
				out, err := th.Build(func(s *mlx.Scope) mlx.Array {
					q, k, v := x.inputs(s, have, have+2)
					return kv.KV(s, 0).Attend(s, q, k, v, cache.Attention{Scale: scale})
				})
				if err == nil { // there are fewer than n operations
					require.Greater(t, n, 5)
					require.Equal(t, have+2, kv.Offset())
					require.NoError(t, out.Close())
					break
				}
				require.ErrorIs(t, err, boom)
				require.Equal(t, have, kv.Offset())
				require.Equal(t, state, kv.State())
				require.Equal(t, live, mlx.Live())
			}
			th.FailAt(0, nil)
			x.requireStep(t, th, kv.Layers[0], have+2, have+4)
			require.NoError(t, kv.Close())
		}
	})
}

// Tokens that do not fit to what is stored are an error, not a panic, and the
// cache stays usable.
func TestAttendRefuses(t *testing.T) {
	x := newSequence(1, 2, 2, 5, 8)
	zeros := func(shape ...int) func(s *mlx.Scope) mlx.Array {
		return func(s *mlx.Scope) mlx.Array { return s.Zeros(shape, mlx.Float32) }
	}
	for what, k := range map[string]func(s *mlx.Scope) mlx.Array{
		"another batch":      zeros(2, 2, 1, 8),
		"another head count": zeros(1, 4, 1, 8),
		"another width":      zeros(1, 2, 1, 16),
		"three dimensions":   zeros(2, 1, 8),
		"no dimensions":      zeros(),
		"a null array":       func(*mlx.Scope) mlx.Array { return mlx.Array{} },
		"a failure before that": func(s *mlx.Scope) mlx.Array {
			return s.Add(s.Zeros([]int{2}, mlx.Float32), s.Zeros([]int{3}, mlx.Float32))
		},
	} {
		t.Run(what, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := newCache(t, th, 1)
				defer kv.Close()
				for from := range 2 { // empty, and with a token
					state := kv.State()
					for _, keys := range []bool{true, false} {
						if what == "another width" && !keys && from == 0 {
							continue // the first values may be wider than the keys
						}
						err := refused(th, kv.Layers[0].(cache.KV), x, from, k, keys)
						require.Error(t, err)
						require.NotErrorIs(t, err, errAccepted)
						require.Equal(t, from, kv.Offset())
						require.Equal(t, state, kv.State())
					}
					x.requireStep(t, th, kv.Layers[0], from, from+1)
				}
			})
		})
	}
}

var errAccepted = errors.New("accepted by Attend")

// refused lets a cache attend with wrong keys or wrong values.
func refused(th *mlx.Thread, kv cache.KV, x *sequence, from int, wrong func(s *mlx.Scope) mlx.Array, keys bool) error {
	_, err := th.Build(func(s *mlx.Scope) mlx.Array {
		q, k, v := x.inputs(s, from, from+1)
		if keys {
			k = wrong(s)
		} else {
			v = wrong(s)
		}
		out := kv.Attend(s, q, k, v, cache.Attention{Scale: scale})
		s.Fail(errAccepted) // unless there was an error before
		return out
	})
	return err
}
