package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The expected values are those of Python mlx.core 0.32.2:
//
//	k = mx.random.key(42); a, b = mx.random.split(k)
//	k.tolist(), a.tolist(), b.tolist(), mx.random.randint(0, 1000, (4,), key=b).tolist()
func TestRandomKeys(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		key, err := th.RandomKey(42)
		require.NoError(t, err)
		all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			a, b := s.RandomSplit(key)
			return []mlx.Array{a, b, s.RandomRandint(s.Scalar(0, mlx.Int32), s.Scalar(1000, mlx.Int32), []int{4}, mlx.Int32, b)}
		})
		require.NoError(t, err)
		require.Equal(t, []uint32{0, 42}, read[uint32](t, th, key))
		require.Equal(t, []uint32{2465931498, 3679230171}, read[uint32](t, th, all[0]))
		require.Equal(t, []uint32{255383827, 267815257}, read[uint32](t, th, all[1]))
		require.Equal(t, []int32{285, 812, 175, 928}, read[int32](t, th, all[2]))
	})
}
