package conformance

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var device = flag.String("device", "", "where to compute: cpu, gpu, or nothing for MLX's default")

func TestMain(m *testing.M) {
	flag.Parse()
	leaktest.Main(m)
}

// on runs f on the chosen device and fails t when it leaves handles open.
func on(t *testing.T, f func(th *mlx.Thread)) {
	t.Helper()
	kinds := map[string]mlx.DeviceType{"cpu": mlx.CPU, "gpu": mlx.GPU}
	if *device == "" {
		leaktest.Do(t, f)
		return
	}
	kind, known := kinds[*device]
	require.True(t, known, "-device %s: cpu or gpu", *device)
	w := mlx.NewWorker(mlx.WithDevice(mlx.Device{Type: kind}))
	t.Cleanup(func() { require.NoError(t, w.Stop()) })
	require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) error { f(th); return nil }))
}
