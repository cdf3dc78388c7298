package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type onceKey struct{ n int }

// What Once makes is made once in a Build, again in the next, and belongs to the
// Scope.
func TestOnce(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		made := 0
		get := func(s *mlx.Scope, key onceKey) mlx.Array {
			all := s.Once(key, func() []mlx.Array {
				made++
				return []mlx.Array{s.Scalar(float64(key.n), mlx.Float32)}
			})
			require.Len(t, all, 1)
			return all[0]
		}
		for range 2 {
			sum, err := th.Build(func(s *mlx.Scope) mlx.Array {
				return s.Add(s.Add(get(s, onceKey{1}), get(s, onceKey{2})), get(s, onceKey{1}))
			})
			require.NoError(t, err)
			v, err := mlx.Item[float32](th, sum)
			require.NoError(t, err)
			require.Equal(t, float32(4), v)
			require.NoError(t, sum.Close())
		}
		require.Equal(t, 4, made)
	})
}

// A failure while it is made is the Build's, and is not remembered.
func TestOnceFails(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		boom := errors.New("boom")
		for _, fail := range []error{boom, nil} {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				all := s.Once(onceKey{}, func() []mlx.Array { s.Fail(fail); return []mlx.Array{s.Scalar(1, mlx.Float32)} })
				require.Len(t, all, map[bool]int{true: 0, false: 1}[fail != nil])
				require.Nil(t, s.Once(onceKey{1}, func() []mlx.Array { return nil }))
				return nil
			})
			require.ErrorIs(t, err, fail)
		}
	})
}

// A transformed function has a Scope of its own, and makes its own.
func TestOnceInsideAGradient(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		half := func(s *mlx.Scope) mlx.Array {
			return s.Once(onceKey{}, func() []mlx.Array { return []mlx.Array{s.Scalar(0.5, mlx.Float32)} })[0]
		}
		grad, err := th.Build(func(s *mlx.Scope) mlx.Array {
			x := s.Multiply(s.Scalar(6, mlx.Float32), half(s))
			g := mlx.Grad(func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
				return []mlx.Array{s.Multiply(s.Square(args[0]), half(s))}
			})(s, []mlx.Array{x})
			return s.Add(g[0], half(s))
		})
		require.NoError(t, err)
		defer grad.Close()
		v, err := mlx.Item[float32](th, grad)
		require.NoError(t, err)
		require.Equal(t, float32(3.5), v)
	})
}

// A Scope says which device its operations run on.
func TestScopeDevice(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		want, err := th.Device()
		require.NoError(t, err)
		extra, err := th.NewStreamOn(mlx.Device{Type: mlx.CPU})
		require.NoError(t, err)
		defer extra.Close()
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			require.Equal(t, want, s.Device())
			for _, st := range []mlx.Stream{th.CPUStream(), extra} {
				s.On(st, func(s *mlx.Scope) mlx.Array {
					require.Equal(t, mlx.CPU, s.Device().Type)
					return mlx.Array{}
				})
			}
			require.Equal(t, want, s.Device())
			return nil
		})
		require.NoError(t, err)
	})
}
