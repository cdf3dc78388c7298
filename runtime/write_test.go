package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func newArray(t *testing.T, th *mlx.Thread, fn func(s *mlx.Scope) mlx.Array) mlx.Array {
	t.Helper()
	a, err := th.Build(fn)
	require.NoError(t, err)
	require.NoError(t, th.Eval(a))
	return a
}

// What was written is what MLX computes with.
func TestWrite(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.Zeros([]int{2, 3}, mlx.Float32) })
		defer a.Close()
		require.NoError(t, mlx.Write(th, a, func(v []float32) error {
			require.Equal(t, make([]float32, 6), v)
			copy(v, []float32{1, 2, 3, 4, 5, 6})
			return nil
		}))
		sums := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.SumAxis(a, 0, false) })
		defer sums.Close()
		got, err := mlx.Values[float32](th, sums)
		require.NoError(t, err)
		require.Equal(t, []float32{5, 7, 9}, got)

		half := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.Zeros([]int{2}, mlx.Float16) })
		defer half.Close()
		require.NoError(t, mlx.Write(th, half, func(bits []uint16) error {
			bits[0], bits[1] = 0x3c00, 0xc000
			return nil
		}))
		wide := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.AsType(half, mlx.Float32) })
		defer wide.Close()
		got, err = mlx.Values[float32](th, wide)
		require.NoError(t, err)
		require.Equal(t, []float32{1, -2}, got)
	})
}

func TestWriteRefuses(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.Transpose(s.Reshape(s.Arange(0, 6, 1, mlx.Int32), 2, 3)) })
		defer a.Close()
		never := func([]int32) error { t.Fatal("called"); return nil }
		require.ErrorContains(t, mlx.Write(th, a, never), "mlx: write: the array is not row-contiguous")
		require.ErrorContains(t, mlx.Write(th, a, func([]float32) error { return nil }), "the array holds int32, not float32")
		require.ErrorContains(t, mlx.Write(th, a, func([]uint16) error { return nil }), "the array holds int32, not uint16")
		require.Error(t, mlx.Write(th, mlx.Array{}, never))

		b := newArray(t, th, func(s *mlx.Scope) mlx.Array { return s.Zeros([]int{1}, mlx.Int32) })
		defer b.Close()
		broken := errors.New("broken")
		require.ErrorIs(t, mlx.Write(th, b, func([]int32) error { return broken }), broken)
	})
}
