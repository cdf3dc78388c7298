package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func cube(s *mlx.Scope, args []mlx.Array) []mlx.Array {
	x := args[0]
	return []mlx.Array{s.Sum(s.Multiply(x, s.Square(x)), false)}
}

func TestSmoke(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, -2})
		defer x.Close()
		g := build(t, th, func(s *mlx.Scope) mlx.Array { return mlx.Grad(cube)(s, []mlx.Array{x})[0] })
		require.Equal(t, []float32{3, 12}, read[float32](t, th, g))
		gg := build(t, th, func(s *mlx.Scope) mlx.Array {
			return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				return []mlx.Array{s.Sum(mlx.Grad(cube)(s, a)[0], false)}
			})(s, []mlx.Array{x})[0]
		})
		require.Equal(t, []float32{6, -12}, read[float32](t, th, gg))
		boom := errors.New("boom")
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			out := mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					s.Fail(boom)
					return a
				})(s, a)
			})(s, []mlx.Array{x})
			if out == nil {
				return mlx.Array{}
			}
			return out[0]
		})
		require.ErrorIs(t, err, boom)
		t.Log(err)
		_, err = th.Build(func(s *mlx.Scope) mlx.Array {
			mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return []mlx.Array{s.Matmul(a[0], s.Reshape(a[0], 1, 2))}
				})(s, a)
			})(s, []mlx.Array{x})
			return mlx.Array{}
		})
		t.Log(err)
		_, err = th.Build(func(s *mlx.Scope) mlx.Array {
			mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return a[7:]
				})(s, a)
			})(s, []mlx.Array{x})
			return mlx.Array{}
		})
		t.Log(err)
		_, err = th.Build(func(s *mlx.Scope) mlx.Array {
			mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
				return mlx.Grad(func(s *mlx.Scope, a []mlx.Array) []mlx.Array {
					return a
				})(s, a)
			})(s, []mlx.Array{x})
			return mlx.Array{}
		})
		t.Log(err)
		c, err := th.Compile(mlx.Grad(cube))
		require.NoError(t, err)
		for range 3 {
			g := build(t, th, func(s *mlx.Scope) mlx.Array { return c.Call(s, x)[0] })
			require.Equal(t, []float32{3, 12}, read[float32](t, th, g))
		}
		require.Equal(t, 0, c.Retraces())
		require.NoError(t, c.Close())
		v := build(t, th, func(s *mlx.Scope) mlx.Array { return mlx.Vmap(mlx.Grad(cube))(s, []mlx.Array{x})[0] })
		require.Equal(t, []float32{3, 12}, read[float32](t, th, v))
	})
}
