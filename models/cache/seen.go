package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Seen is what the queries of a layer attended to, for layers after it in the
// same pass that have no keys and values of their own. It is good in one Build.
type Seen struct {
	keys, values operand
	mask         mask
}

// NotedIn is the attention that leaves what it attends to in seen.
func (a Attention) NotedIn(seen *Seen) Attention {
	a.seen = seen
	return a
}

// note keeps keys, values and mask for layers that share them.
func (a Attention) note(keys, values operand, m mask) {
	if a.seen != nil {
		*a.seen = Seen{keys, values, m}
	}
}

// Attend returns the attention of queries [B, Hq, L, d] over what was seen, and
// stores nothing.
func (n *Seen) Attend(s *mlx.Scope, q mlx.Array, a Attention) mlx.Array {
	return n.keys.attend(s, q, n.values, a, n.mask)
}
