package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestDeviceOfAThread(t *testing.T) {
	w := mlx.NewWorker(mlx.WithDevice(mlx.Device{Type: mlx.CPU}))
	defer func() { require.NoError(t, w.Stop()) }()
	require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) error {
		d, err := th.Device()
		require.NoError(t, err)
		require.Equal(t, mlx.Device{Type: mlx.CPU}, d)
		require.Equal(t, "cpu:0", d.String())
		require.NotEqual(t, mlx.Stream{}, th.Stream())
		info, err := th.DeviceInfo()
		require.NoError(t, err)
		require.NotEmpty(t, info["device_name"])
		return nil
	}))
}

func TestLibraryThatIsLoaded(t *testing.T) {
	require.NoError(t, mlx.Do(t.Context(), func(*mlx.Thread) error { return nil }))
	lib, err := mlx.LoadLibrary()
	require.NoError(t, err)
	require.NotEmpty(t, lib.Version)
	require.NotEmpty(t, mlx.SearchPlaces())
}

func TestEvaluation(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 4, 9})
		defer x.Close()
		a := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Sqrt(x) })
		b := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Square(a) })
		require.NoError(t, th.AsyncEval(a, b))
		require.NoError(t, th.Eval(a, b))
		require.NoError(t, th.Eval())
		require.NoError(t, th.Synchronize())
		require.Equal(t, []float32{1, 2, 3}, read[float32](t, th, a))
		require.Equal(t, []float32{1, 4, 9}, read[float32](t, th, b))

		require.ErrorContains(t, th.Eval(x, mlx.Array{}), "mlx: eval: the array is null")
		require.ErrorContains(t, th.AsyncEval(mlx.Array{}), "mlx: async_eval: the array is null")
		flat := slice(t, th, make([]float32, 4), 2, 2)
		defer flat.Close()
		singular := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Inv(flat) })
		defer singular.Close()
		require.ErrorContains(t, th.Eval(singular), "(device_test.go:")
	})
}

func TestMemoryCounters(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		const size = 1 << 24
		must := func(n uint64, err error) uint64 {
			t.Helper()
			require.NoError(t, err)
			return n
		}
		require.NoError(t, th.ClearCache())
		require.Zero(t, must(th.CacheMemory()))
		require.NoError(t, th.ResetPeakMemory())
		before := must(th.ActiveMemory())
		x, err := th.Zeros(mlx.Uint8, size)
		require.NoError(t, err)
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Add(x, x) })
		require.NoError(t, th.Eval(x, y))
		require.GreaterOrEqual(t, must(th.ActiveMemory()), before+size)
		require.GreaterOrEqual(t, must(th.PeakMemory()), before+size)
		require.NoError(t, x.Close())
		require.NoError(t, y.Close())
		require.Less(t, must(th.ActiveMemory()), before+size)

		limit := must(th.MemoryLimit())
		require.Equal(t, limit, must(th.SetMemoryLimit(limit/2)))
		require.Equal(t, limit/2, must(th.MemoryLimit()))
		require.Equal(t, limit/2, must(th.SetMemoryLimit(limit)))
		cache := must(th.SetCacheLimit(1 << 20))
		require.Equal(t, uint64(1<<20), must(th.SetCacheLimit(cache)))
		_, err = th.SetWiredLimit(0)
		require.NoError(t, err)
	})
}
