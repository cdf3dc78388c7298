package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// build builds and evaluates an array that is closed when the test ends... before
// the handles are counted.
func build(t *testing.T, th *mlx.Thread, fn func(s *mlx.Scope) mlx.Array) mlx.Array {
	t.Helper()
	a, err := th.Build(fn)
	require.NoError(t, err)
	return a
}

// slice makes an array.
func slice[T mlx.Element](t *testing.T, th *mlx.Thread, data []T, shape ...int) mlx.Array {
	t.Helper()
	a, err := mlx.FromSlice(th, data, shape...)
	require.NoError(t, err)
	return a
}

// read returns an array's elements and closes it.
func read[T mlx.Element](t *testing.T, th *mlx.Thread, a mlx.Array) []T {
	t.Helper()
	v, err := mlx.Values[T](th, a)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	return v
}
