package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// The expected values are those of Python mlx.core 0.32.2:
//
//	mx.random.seed(7); [mx.random.randint(0, 1000, (3,)).tolist() for _ in range(2)]
func TestKeysFollowPythonsState(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		all, err := th.BuildAll(func(s *mlx.Scope) (out []mlx.Array) {
			keys := mlx.NewKeys(s, 7)
			for range 2 {
				low, high := s.Scalar(0, mlx.Int32), s.Scalar(1000, mlx.Int32)
				out = append(out, s.RandomRandint(low, high, []int{3}, mlx.Int32, keys.Next(s)))
			}
			return out
		})
		require.NoError(t, err)
		require.Equal(t, []int32{77, 174, 832}, read[int32](t, th, all[0]))
		require.Equal(t, []int32{584, 436, 706}, read[int32](t, th, all[1]))
	})
}
