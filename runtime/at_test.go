package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestAt(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, ramp[mlx.BF16](6), 2, 3)
		defer x.Close()
		v, err := mlx.At[mlx.BF16](th, x, 1, 0)
		require.NoError(t, err)
		require.Equal(t, mlx.ToBF16(3), v)
		wide, err := mlx.At[float64](th, x, -1, -1)
		require.NoError(t, err)
		require.InDelta(t, 5, wide, 0)

		_, err = mlx.At[mlx.BF16](th, x, 2, 0)
		require.ErrorContains(t, err, "mlx: at: index 2 is out of range for dimension 0 of 2 elements (at_test.go:")
		_, err = mlx.At[mlx.BF16](th, x, 0, -4)
		require.ErrorContains(t, err, "index -4 is out of range for dimension 1 of 3 elements")
		_, err = mlx.At[mlx.BF16](th, x, 0)
		require.ErrorContains(t, err, "1 indices for an array of 2 dimensions")
		_, err = mlx.At[int32](th, x, 0, 0)
		require.ErrorContains(t, err, "holds bfloat16, which int32 does not hold without loss")
		_, err = mlx.At[mlx.BF16](th, mlx.Array{})
		require.ErrorContains(t, err, "mlx: at: the array is null")

		scalar := slice(t, th, []int32{7}, []int{}...)
		defer scalar.Close()
		seven, err := mlx.At[int32](th, scalar)
		require.NoError(t, err)
		require.Equal(t, int32(7), seven)
		empty := slice(t, th, []int32{})
		defer empty.Close()
		_, err = mlx.At[int32](th, empty, 0)
		require.ErrorContains(t, err, "out of range for dimension 0 of 0 elements")
	})
	_, err := mlx.At[int32](nil, mlx.Array{})
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}
