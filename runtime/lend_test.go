package runtime_test

import (
	"bytes"
	"os"
	"path/filepath"
	stdruntime "runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// allocated counts the bytes of Go's heap that f asks for.
func allocated(f func()) uint64 {
	var before, after stdruntime.MemStats
	stdruntime.ReadMemStats(&before)
	f()
	stdruntime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestFromPinned: nobody but the array knows the slice, which a collector would
// otherwise take.
func TestFromPinned(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		made := make([]mlx.Array, 20)
		for i := range made {
			var err error
			made[i], err = mlx.FromPinned(th, ramp[float32](1<<12), 64, 64)
			require.NoError(t, err)
		}
		stdruntime.GC()
		stdruntime.GC()
		for _, a := range made {
			require.Equal(t, ramp[float32](1<<12), read[float32](t, th, a))
		}
		a, err := mlx.FromPinned(th, []int8{})
		require.NoError(t, err)
		require.Empty(t, read[int8](t, th, a))
		_, err = mlx.FromPinned(th, []int8{1}, 2)
		require.ErrorContains(t, err, "mlx: from_pinned: the shape has 2 elements, the data 1 (lend_test.go:")
	})
	stdruntime.GC() // a pin that was not taken back would end the process here
	stdruntime.GC()
	_, err := mlx.FromPinned(nil, []int8{1})
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}

func mapFile(t *testing.T, data []byte) *mlx.Mapping {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	m, err := mlx.MapFile(path)
	require.NoError(t, err)
	return m
}

// TestMappingsAndArraysCloseInAnyOrder: an array outlives its mapping's Close and
// the file's name.
func TestMappingsAndArraysCloseInAnyOrder(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		m := mapFile(t, append(make([]byte, 8), encode(t, []int32{1, 2, 3, 4, 5, 6})...))
		require.Equal(t, 32, m.Len())
		a, err := mlx.FromMapping(th, m, mlx.Int32, 8, 2, 3)
		require.NoError(t, err)
		b, err := mlx.FromMapping(th, m, mlx.Int32, 28, 1)
		require.NoError(t, err)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
		negative := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Negative(a) })
		require.NoError(t, a.Close())
		require.Equal(t, []int32{-1, -2, -3, -4, -5, -6}, read[int32](t, th, negative), "a's memory may be written over")
		require.Equal(t, []int32{6}, read[int32](t, th, b))
		_, err = mlx.FromMapping(th, m, mlx.Int32, 0, 1)
		require.ErrorContains(t, err, "the mapping is closed")
	})
}

func TestMappingsRefuseWhatIsNotInTheFile(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		m := mapFile(t, bytes.Repeat([]byte{1}, 16))
		defer m.Close()
		for want, f := range map[string]func() (mlx.Array, error){
			"5 elements of float32 are more than the file of 16 bytes holds": func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, 0, 5) },
			"8 bytes at offset 12 are not in the file of 16 bytes":           func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, 12, 2) },
			"4 bytes at offset -4 are not in the file":                       func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, -4, 1) },
			"offset 2 is no multiple of the 4 bytes of float32":              func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, 2, 1) },
			"dimension 1 of the shape is -1":                                 func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, 0, 1, -1) },
			"more elements than fit in an int":                               func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Float32, 0, 1<<30, 1<<30, 1<<30) },
			"bools are not taken as they are":                                func() (mlx.Array, error) { return mlx.FromMapping(th, m, mlx.Bool, 0, 4) },
		} {
			_, err := f()
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "mlx: from_mapping: ")
		}
		a, err := mlx.FromMapping(th, m, mlx.Uint8, 16, 0)
		require.NoError(t, err)
		require.Empty(t, read[uint8](t, th, a))
	})
	_, err := mlx.MapFile(t.TempDir())
	require.ErrorContains(t, err, "mlx: map_file: ")
}
