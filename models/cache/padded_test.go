package cache

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Columns of padding do not count, up to the end of the longest, as ArraysCache of
// mlx-lm: pos >= left_padding, which goes down as the tokens go by.
func TestArraysCacheMask(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		o := th.NewOwner("test")
		defer o.Close()
		c := NewArraysCache(o, 1)
		mask := func(tokens int) (values []bool) {
			made, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				if m := c.Mask(s, tokens); !m.IsNull() {
					return []mlx.Array{m}
				}
				return nil
			})
			require.NoError(t, err)
			if made == nil {
				return nil
			}
			values, err = mlx.Values[bool](th, made[0])
			require.NoError(t, err)
			require.NoError(t, mlx.CloseAll(made...))
			return values
		}
		require.Nil(t, mask(3), "no padding")
		c.left = []int{2, 0}
		require.Equal(t, []bool{false, false, true, true, true, true}, mask(3))
		c.offset = 1
		require.Equal(t, []bool{false, true}, mask(1))
		c.offset = 2
		require.Nil(t, mask(1), "the padding is over")
	})
}
