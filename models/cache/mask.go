package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// mask says which keys a query sees: all, those before it (causal), or those of
// an array of Bool that broadcasts to [B, H, L, T].
type mask struct {
	causal bool
	array  mlx.Array
}

// band is the key of a mask that layers share.
type band struct{ queries, keys, window int }

// causal is the mask of the last queries among that many keys, each of which sees
// the last window of them, itself included; all of them where window is 0. It is
// an array only where a mode does not do, and made once in a Build.
func causal(s *mlx.Scope, queries, keys, window int) mask {
	if queries == 1 && (window == 0 || keys <= window) {
		return mask{}
	}
	if window == 0 || keys <= window {
		return mask{causal: true}
	}
	return mask{array: bandOf(s, band{queries, keys, window})}
}

// bandOf is a mask as an array of Bool [L, T], made once in a Build.
func bandOf(s *mlx.Scope, b band) mlx.Array {
	made := s.Once(b, func() []mlx.Array {
		at := s.Arange(0, float64(b.keys), 1, mlx.Int32)
		query := s.ExpandDims(s.Slice(at, []int{b.keys - b.queries}, []int{b.keys}, []int{1}), 1) // [L, 1]
		first := s.Subtract(query, s.Scalar(float64(b.window), mlx.Int32))
		return []mlx.Array{s.LogicalAnd(s.GreaterEqual(query, at), s.Less(first, at))}
	})
	if len(made) == 0 {
		return mlx.Array{} // an error went before
	}
	return made[0]
}
