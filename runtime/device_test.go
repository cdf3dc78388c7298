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
