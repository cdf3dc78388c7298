package cache

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Uncached returns a cache of the same layers that remembers nothing: each pass
// sees whole sequences. It is what training and scoring run with, for nothing may
// be assigned while a function is differentiated. It holds no arrays.
func (c *Cache) Uncached() *Cache {
	out := &Cache{}
	for _, l := range c.Layers {
		out.Layers = append(out.Layers, l.Uncached())
	}
	return out
}

// Pass says how whole sequences go through a model.
type Pass struct {
	// Segments [B, L], int32, numbers the sequences that were packed into a row: a
	// token sees only those of its number. Null is one sequence a row.
	Segments mlx.Array
	// Recompute lets blocks run again for the gradient instead of keeping what they
	// computed: less memory for more time.
	Recompute bool
}

// In returns a cache that Uncached made for a pass.
func (c *Cache) In(p Pass) *Cache { return &Cache{Layers: c.Layers, pass: p} }

// Pass is what In was given.
func (c *Cache) Pass() Pass { return c.pass }

// segmented are layers that tell the sequences of a row apart.
func (c *Cache) segmented(s *mlx.Scope, l Layer) Layer {
	if c.pass.Segments.IsNull() {
		return l
	}
	if u, ok := l.(uncached); ok {
		return uncached{u.window, c.pass.Segments}
	}
	s.Fail(errors.New("cache: packed rows need layers that attend: recurrent ones cannot tell sequences apart"))
	return l
}

// Uncached implements Layer.
func (c *KVCache) Uncached() Layer { return uncached{} }

// Uncached implements Layer.
func (c *RotatingKVCache) Uncached() Layer { return uncached{window: c.whole} }

// uncached is causal attention within one pass.
type uncached struct {
	window   int
	segments mlx.Array // see Pass
}

// Offset implements KV: a pass begins at the beginning.
func (uncached) Offset() int { return 0 }

// Position implements KV.
func (uncached) Position() nn.Position { return nn.Position{} }

// Uncached implements Layer.
func (u uncached) Uncached() Layer { return u }

// Attend implements KV.
func (u uncached) Attend(s *mlx.Scope, q, k, v mlx.Array, a Attention) mlx.Array {
	shape := s.Shape(k)
	if len(shape) != 4 {
		return attend(s, q, k, v, a, mask{}) // an error now or before
	}
	return attend(s, q, k, v, a, u.mask(s, shape[2]))
}

// mask is that of a pass of n tokens.
func (u uncached) mask(s *mlx.Scope, n int) mask {
	if u.segments.IsNull() {
		return causal(s, n, n, u.window)
	}
	return mask{array: once(s, blocks{u, n}, func() mlx.Array {
		q, k := s.ExpandDims(u.segments, -1), s.ExpandDims(u.segments, -2) // [B, L, 1] and [B, 1, L]
		same := s.ExpandDims(s.Equal(q, k), 1)                             // [B, 1, L, L]
		return s.LogicalAnd(same, bandOf(s, band{queries: n, keys: n, window: u.window}))
	})}
}

// blocks is the key of the mask of packed rows, which layers share.
type blocks struct {
	layer uncached
	n     int
}

// State implements KV: there is none.
func (uncached) State() []mlx.Array { return nil }

// Trim implements KV.
func (u uncached) Trim(n int) error { return u.CanTrim(n) }

// CanTrim implements KV.
func (uncached) CanTrim(n int) error {
	if n != 0 {
		return errors.New("cache: nothing is stored that could be trimmed")
	}
	return nil
}
