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

// Uncached implements Layer.
func (c *KVCache) Uncached() Layer { return uncached{} }

// Uncached implements Layer.
func (c *RotatingKVCache) Uncached() Layer { return uncached{c.whole} }

// uncached is causal attention within one pass.
type uncached struct{ window int }

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
	return attend(s, q, k, v, a, causal(s, shape[2], shape[2], u.window))
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
