package runtime_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestWriteBytes writes an array that lies in memory in another order, and reads
// its bytes again.
func TestWriteBytes(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, err := th.Build(func(s *mlx.Scope) mlx.Array {
			return s.SwapAxes(mlx.Const(s, []uint8{1, 2, 3, 4, 5, 6}, 2, 3), 0, 1)
		})
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, mlx.WriteBytes(th, &b, a))
		require.Equal(t, []byte{1, 4, 2, 5, 3, 6}, b.Bytes())
		full := errors.New("full")
		require.ErrorIs(t, mlx.WriteBytes(th, broken{full}, a), full)
		require.NoError(t, a.Close())
		require.ErrorContains(t, mlx.WriteBytes(th, &b, mlx.Array{}), "write_bytes")
	})
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }
