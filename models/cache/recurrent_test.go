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

// count is a recurrent layer that adds up the tokens in one array and their
// squares in another.
func count(s *mlx.Scope, m cache.Arrays, x mlx.Array) mlx.Array {
	for i, part := range []mlx.Array{x, s.Square(x)} {
		sum := s.SumAxis(part, 1, true)
		if before := m.Get(i); !before.IsNull() {
			sum = s.Add(before, sum)
		}
		m.Set(s, i, sum)
	}
	m.Advance(s, s.Dim(x, 1))
	return x
}

// feed lets layer i see tokens [1, n] of a value each.
func feed(t *testing.T, th *mlx.Thread, kv *cache.Cache, i int, tokens ...float32) {
	t.Helper()
	_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		count(s, kv.Recurrent(s, i), mlx.Const(s, tokens, 1, len(tokens)))
		return nil
	})
	require.NoError(t, err)
}

func requireSums(t *testing.T, th *mlx.Thread, kv *cache.Cache, want ...float32) {
	t.Helper()
	var have []float32
	for _, a := range kv.State() {
		v, err := mlx.Item[float32](th, a)
		require.NoError(t, err)
		have = append(have, v)
	}
	require.Equal(t, want, have)
}

// Each pass replaces the arrays, and the layers know nothing of each other.
func TestRecurrent(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Recurrent(2), cache.Recurrent(2)})
		defer kv.Close()
		require.Empty(t, kv.State())
		require.Zero(t, kv.Offset())
		feed(t, th, kv, 0, 1, 2, 3)
		feed(t, th, kv, 1, 5)
		requireSums(t, th, kv, 6, 14, 5, 25)
		feed(t, th, kv, 0, 4)
		requireSums(t, th, kv, 10, 30, 5, 25)
		require.Equal(t, 4, kv.Offset())
		require.Equal(t, 1, kv.Layers[1].Offset())
	})
}

// A recurrent layer has no way back. Where one layer cannot be trimmed the others
// stay as they are.
func TestRecurrentTrim(t *testing.T) {
	x := newSequence(1, 1, 1, 4, 4)
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Recurrent(2), cache.Full()})
		defer kv.Close()
		require.NoError(t, kv.Trim(0))
		x.requireStep(t, th, kv.Layers[0], 0, 3)
		feed(t, th, kv, 1, 1, 2, 3)
		x.requireStep(t, th, kv.Layers[2], 0, 3)
		require.NoError(t, kv.Trim(0))
		require.EqualError(t, kv.Trim(1), "cache: cannot trim 1 of 3 tokens: a recurrent layer has no earlier state to go back to")
		require.EqualError(t, kv.Trim(4), "cache: cannot trim 4 of 3 tokens")
		require.Error(t, kv.Layers[1].Trim(3))
		require.Error(t, kv.Layers[1].Trim(-1))
		for _, l := range kv.Layers {
			require.Equal(t, 3, l.Offset())
		}
		x.requireStep(t, th, kv.Layers[0], 3, 4)
	})
}

// Whichever operation of a pass fails, and when all succeed and the Build fails,
// the arrays and the number of tokens are as they were.
func TestFailedBuildChangesNoArray(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Recurrent(2)})
		defer kv.Close()
		for range 2 { // empty, and with two tokens
			offset, state, live := kv.Offset(), kv.State(), mlx.Live()
			discard := errors.New("this pass is not to count")
			for n := 1; ; n++ {
				boom := fmt.Errorf("operation %d", n)
				th.FailAt(n, boom)
				_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
					count(s, kv.Recurrent(s, 0), mlx.Const(s, []float32{3, 4}, 1, 2))
					if s.Err() == nil {
						s.Fail(discard)
					}
					return nil
				})
				require.Equal(t, offset, kv.Offset())
				require.Equal(t, state, kv.State())
				require.Equal(t, live, mlx.Live())
				if errors.Is(err, discard) {
					require.GreaterOrEqual(t, n, 4)
					break
				}
				require.ErrorIs(t, err, boom)
			}
			th.FailAt(0, nil)
			feed(t, th, kv, 0, 1, 2)
		}
		requireSums(t, th, kv, 6, 10)
	})
}

// Without a cache every pass begins with nothing, and may be differentiated.
func TestRecurrentUncached(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Recurrent(2)})
		defer kv.Close()
		feed(t, th, kv, 0, 1, 2)
		u := kv.Uncached()
		for range 2 {
			grads, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				loss := func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
					m := u.Recurrent(s, 0)
					if !m.Get(0).IsNull() || !m.Mask(s, 2).IsNull() {
						s.Fail(errors.New("something is remembered"))
					}
					return []mlx.Array{s.Sum(s.Square(count(s, m, in[0])), false)}
				}
				return mlx.Grad(loss)(s, []mlx.Array{mlx.Const(s, []float32{3, 4}, 1, 2)})
			})
			require.NoError(t, err)
			have, err := mlx.Values[float32](th, grads[0])
			require.NoError(t, err)
			require.Equal(t, []float32{6, 8}, have)
			require.NoError(t, mlx.CloseAll(grads...))
		}
		require.Zero(t, u.Offset())
		require.Empty(t, u.State())
		require.NoError(t, u.Trim(0))
		require.Error(t, u.Layers[0].Trim(1))
		require.Equal(t, u.Layers[0], u.Layers[0].Uncached())
		requireSums(t, th, kv, 3, 5)
	})
}

// A cache that was made for another model fails the Build.
func TestRecurrentOfAnotherModel(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := cache.New(th, []cache.Kind{cache.Full(), cache.Recurrent(1)})
		defer kv.Close()
		for what, use := range map[string]func(s *mlx.Scope, x mlx.Array){
			"layer 0 is not recurrent": func(s *mlx.Scope, x mlx.Array) { count(s, kv.Recurrent(s, 0), x) },
			"layer 2 is not recurrent": func(s *mlx.Scope, x mlx.Array) { count(s, kv.Recurrent(s, 2), x) },
			"layer 1 keeps no keys":    func(s *mlx.Scope, x mlx.Array) { kv.KV(s, 1).Attend(s, x, x, x, cache.Attention{Scale: 1}) },
			"no array 1 in a layer of 1": func(s *mlx.Scope, x mlx.Array) {
				m := kv.Recurrent(s, 1)
				m.Set(s, 0, x)
				count(s, m, x)
			},
		} {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				use(s, mlx.Const(s, []float32{1, 2}, 1, 2))
				return nil
			})
			require.ErrorContains(t, err, what)
			require.ErrorContains(t, err, "another model")
			require.Empty(t, kv.State())
			require.Zero(t, kv.Layers[1].Offset())
		}
	})
}
