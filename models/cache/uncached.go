package cache

import (
	"errors"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Uncached returns a cache of the same layers that remembers nothing: each pass
// sees whole sequences. It is what training and scoring run with, for nothing may
// be assigned while a function is differentiated. It holds no arrays.
func (c *Cache) Uncached() (*Cache, error) {
	out := &Cache{}
	for i, l := range c.Layers {
		u, ok := l.(interface{ Uncached() KV })
		if !ok {
			return nil, fmt.Errorf("cache: layer %d, a %T, cannot do without what it stores", i, l)
		}
		out.Layers = append(out.Layers, u.Uncached())
	}
	return out, nil
}

// Uncached implements what Cache.Uncached asks for.
func (c *KVCache) Uncached() KV { return uncached{} }

// uncached is causal attention within one pass.
type uncached struct{}

// Offset implements KV: a pass begins at the beginning.
func (uncached) Offset() int { return 0 }

// Attend implements KV.
func (uncached) Attend(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array {
	return attention(s, q, k, v, scale)
}

// State implements KV: there is none.
func (uncached) State() []mlx.Array { return nil }

// Trim implements KV.
func (uncached) Trim(n int) error {
	if n != 0 {
		return errors.New("cache: nothing is stored that could be trimmed")
	}
	return nil
}
