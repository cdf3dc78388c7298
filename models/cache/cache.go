// Package cache keeps the keys and values of tokens already seen, so that a
// decoding step computes attention for the new token only.
//
// Attention and cache meet behind one interface, KV: how keys are stored
// decides how attention reads them, and a model file knows neither.
package cache

import (
	"errors"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// KV is the cache of one attention layer.
type KV interface {
	// Offset is the position of the next token: how many were seen.
	Offset() int
	// Attend stores keys and values and returns the attention of the queries
	// over everything stored. q is [B, Hq, L, d]; k and v are [B, Hkv, L, d];
	// the result is [B, Hq, L, d]. The cache changes when the Build succeeds.
	Attend(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array
	// State lists the arrays that hold the cache, for evaluation.
	State() []mlx.Array
	// Trim drops the last n tokens. It is an error where the cache cannot.
	Trim(n int) error
}

// Cache is what a model remembers of one batch of sequences: a KV a layer.
type Cache struct {
	Layers []KV
	owner  *mlx.Owner
}

// New makes a cache of n layers of the kind that layer makes. It lives on t's
// Worker until it is closed.
func New(t *mlx.Thread, n int, layer func(i int, o *mlx.Owner) KV) *Cache {
	c := &Cache{owner: t.NewOwner("cache")}
	for i := range n {
		c.Layers = append(c.Layers, layer(i, c.owner))
	}
	return c
}

// Offset is the number of tokens seen.
func (c *Cache) Offset() int {
	if len(c.Layers) == 0 {
		return 0
	}
	return c.Layers[0].Offset()
}

// State lists the arrays of every layer.
func (c *Cache) State() []mlx.Array {
	var all []mlx.Array
	for _, l := range c.Layers {
		all = append(all, l.State()...)
	}
	return all
}

// Trim drops the last n tokens of every layer, or of none.
func (c *Cache) Trim(n int) error {
	if n < 0 || n > c.Offset() {
		return fmt.Errorf("cache: cannot trim %d of %d tokens", n, c.Offset())
	}
	var errs []error
	for _, l := range c.Layers {
		errs = append(errs, l.Trim(n))
	}
	return errors.Join(errs...)
}

// Close frees the cache's arrays.
func (c *Cache) Close() error {
	if c.owner == nil {
		return nil // Uncached
	}
	return c.owner.Close()
}
