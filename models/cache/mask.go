package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// mask says which keys a query sees: all, those before it (causal), or those of
// an array of Bool that broadcasts to [B, H, L, T].
type mask struct {
	causal bool
	array  mlx.Array
}

// band is which keys the last queries among them see: the key of a mask that
// layers share.
type band struct {
	queries, keys int
	window        int     // how many keys up to its own a query sees; 0 for all
	turn          int     // where the oldest key is; the ones before it are the newest
	free          int     // places behind the keys, which no query sees
	hidden        numbers // how many of the oldest keys are padding, in each row; "" for none
}

// causal is the mask of the last queries among that many keys, each of which sees
// the last window of them, itself included; all of them where window is 0.
func causal(s *mlx.Scope, queries, keys, window int) mask {
	return see(s, band{queries: queries, keys: keys, window: window})
}

// see is the mask of a band: an array only where a mode does not do, and made
// once in a Build.
func see(s *mlx.Scope, b band) mask {
	switch all := b.window == 0 || b.keys <= b.window; {
	case b.hidden != "" || b.free > 0 || !all:
		return mask{array: bandOf(s, b)}
	case b.queries == 1:
		return mask{}
	}
	return mask{causal: true}
}

// bandOf is a mask as an array of Bool, [L, T] or [B, 1, L, T]. A query of padding
// sees itself, for a softmax over nothing is no number.
func bandOf(s *mlx.Scope, b band) mlx.Array {
	return once(s, b, func() mlx.Array {
		number := func(n int) mlx.Array { return s.Scalar(float64(n), mlx.Int32) }
		key := s.Arange(0, float64(b.keys+b.free), 1, mlx.Int32)                                   // by age
		query := s.ExpandDims(s.Slice(key, []int{b.keys - b.queries}, []int{b.keys}, []int{1}), 1) // [L, 1]
		if b.turn > 0 {
			key = s.Remainder(s.Add(key, number(b.keys-b.turn)), number(b.keys))
		}
		seen := s.GreaterEqual(query, key)
		if b.window > 0 {
			seen = s.LogicalAnd(seen, s.Less(s.Subtract(query, number(b.window)), key))
		}
		if b.hidden == "" {
			return seen
		}
		rows := integers(s, b.hidden)
		first := s.Minimum(s.Reshape(rows, -1, 1, 1, 1), query) // [B, 1, L, 1]
		return s.LogicalAnd(seen, s.GreaterEqual(key, first))
	})
}
