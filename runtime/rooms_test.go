package runtime_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Rooms have the shapes and dtypes that were asked for, apart from each other and each at a
// line of its own. What is written into one is what MLX computes with, and outlives the others.
func TestCPURooms(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		kinds := []struct {
			dtype mlx.Dtype
			shape []int
		}{{mlx.Uint32, []int{3, 5}}, {mlx.Float16, []int{7}}, {mlx.Float32, []int{0, 4}}, {mlx.Float32, []int{}}, {mlx.Uint32, []int{1 << 20, 2}}, {mlx.Float32, []int{4, 1}}}
		before, err := th.ActiveMemory()
		require.NoError(t, err)
		rooms, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			var like []mlx.Array
			for _, k := range kinds {
				like = append(like, s.Zeros(k.shape, k.dtype))
			}
			return s.CPURooms(like)
		})
		require.NoError(t, err)
		require.Len(t, rooms, len(kinds))
		for i, k := range kinds {
			shape, err := rooms[i].Shape()
			require.NoError(t, err)
			require.Len(t, shape, len(k.shape))
			for d := range shape {
				require.EqualValues(t, k.shape[d], shape[d])
			}
			dtype, err := rooms[i].Dtype()
			require.NoError(t, err)
			require.Equal(t, k.dtype, dtype)
		}
		words, big := writable[uint32](t, th, rooms[0]), writable[uint32](t, th, rooms[4])
		half := writable[uint16](t, th, rooms[1])
		one, column := writable[float32](t, th, rooms[3]), writable[float32](t, th, rooms[5])
		require.Empty(t, writable[float32](t, th, rooms[2]))
		fill(words, 3)
		fill(half, 0x3c00)
		fill(one, 2)
		fill(big, 7)
		fill(column, 0.5)
		require.NoError(t, rooms[2].Close())
		require.NoError(t, rooms[4].Close())

		sums := func(a mlx.Array) float32 {
			return read[float32](t, th, build(t, th, func(s *mlx.Scope) mlx.Array { return s.Sum(s.AsType(a, mlx.Float32), false) }))[0]
		}
		require.Equal(t, []float32{45, 7, 2, 2}, []float32{sums(rooms[0]), sums(rooms[1]), sums(rooms[3]), sums(rooms[5])})
		require.NoError(t, mlx.CloseAll(rooms...))
		after, err := th.ActiveMemory()
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func writable[T mlx.Element](t *testing.T, th *mlx.Thread, a mlx.Array) []T {
	t.Helper()
	v, err := mlx.Writable[T](th, a)
	require.NoError(t, err)
	require.Zero(t, uintptr(unsafe.Pointer(unsafe.SliceData(v)))%64)
	return v
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
