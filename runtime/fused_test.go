package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type gated struct{ by float64 }

// gate is a*sigmoid(b)*by, fused.
func gate(s *mlx.Scope, calls *int, by float64, a, b mlx.Array) mlx.Array {
	out := s.Fused(gated{by}, func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
		*calls++
		return []mlx.Array{s.Multiply(s.Multiply(in[0], s.Sigmoid(in[1])), s.Scalar(by, mlx.Float32))}
	}, a, b)
	if len(out) != 1 {
		return mlx.Array{}
	}
	return out[0]
}

// A kernel is traced once for each number of dimensions, gives what the plain
// operations give, and holds nothing that a leak check would see.
func TestFused(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		defer th.FuseEverywhere()()
		calls := 0
		run := func(by float64, shape ...int) []float32 {
			out, err := th.Build(func(s *mlx.Scope) mlx.Array {
				a := s.Full(shape, s.Scalar(3, mlx.Float32), mlx.Float32)
				return gate(s, &calls, by, a, s.ZerosLike(a))
			})
			require.NoError(t, err)
			defer out.Close()
			values, err := mlx.Values[float32](th, out)
			require.NoError(t, err)
			return values
		}
		require.Equal(t, []float32{3, 3}, run(2, 2))
		require.Equal(t, []float32{3, 3, 3}, run(2, 3))
		require.Equal(t, 1, calls, "another size is not traced again")
		require.Equal(t, []float32{6, 6}, run(4, 1, 2))
		require.Equal(t, []float32{3, 3}, run(2, 1, 2))
		require.Equal(t, 3, calls, "another key and another number of dimensions are")
	})
}

// Inside of a transformation the operations stand as they are, so gradients go
// through; an error is that of the operation.
func TestFusedInTransformations(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		defer th.FuseEverywhere()()
		calls := 0
		out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			x := s.Full([]int{2}, s.Scalar(3, mlx.Float32), mlx.Float32)
			return mlx.Grad(func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
				return []mlx.Array{s.Sum(gate(s, &calls, 2, in[0], s.ZerosLike(in[0])), false)}
			})(s, []mlx.Array{x})
		})
		require.NoError(t, err)
		values, err := mlx.Values[float32](th, out[0])
		require.NoError(t, err)
		require.Equal(t, []float32{1, 1}, values)
		require.NoError(t, mlx.CloseAll(out...))

		boom := errors.New("boom")
		_, err = th.Build(func(s *mlx.Scope) mlx.Array {
			return s.Fused(gated{7}, func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
				s.Fail(boom)
				return in
			}, s.Scalar(1, mlx.Float32))[0]
		})
		require.ErrorIs(t, err, boom)
	})
}
