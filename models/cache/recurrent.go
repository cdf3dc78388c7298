package cache

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Recurrent folds all tokens into that many arrays of fixed sizes.
func Recurrent(arrays int) Kind { return Kind{arrays: arrays} }

// Arrays is the cache of one recurrent layer.
type Arrays interface {
	Layer
	nn.Memory
}

// Recurrent is the cache of layer i, which is recurrent. A cache that was made for
// another model fails the Build.
func (c *Cache) Recurrent(s *mlx.Scope, i int) Arrays {
	s.Fail(c.err)
	if i >= 0 && i < len(c.Layers) {
		if a, ok := c.segmented(s, c.Layers[i]).(Arrays); ok {
			return a
		}
	}
	s.Fail(fmt.Errorf("cache: layer %d is not recurrent: the cache was made for another model", i))
	return forgetful{}
}

// errRecurrent is why a recurrent layer cannot be trimmed.
var errRecurrent = errors.New("a recurrent layer has no earlier state to go back to")

// ArraysCache keeps the arrays of a recurrent layer: as much memory after a
// million tokens as after one. As mlx_lm.models.cache.ArraysCache.
type ArraysCache struct {
	padding
	arrays []*mlx.Array
	offset int
}

// NewArraysCache makes an empty cache of n arrays, which belong to o.
func NewArraysCache(o *mlx.Owner, n int) *ArraysCache {
	c := new(ArraysCache)
	for range n {
		c.arrays = append(c.arrays, o.Slot(mlx.Array{}))
	}
	return c
}

// Offset implements Layer.
func (c *ArraysCache) Offset() int { return c.offset }

// State implements Layer: the arrays in order, those that are still null left out.
func (c *ArraysCache) State() []mlx.Array {
	var all []mlx.Array
	for _, a := range c.arrays {
		if !a.IsNull() {
			all = append(all, *a)
		}
	}
	return all
}

// Get implements nn.Memory.
func (c *ArraysCache) Get(i int) mlx.Array {
	if i < 0 || i >= len(c.arrays) {
		return mlx.Array{}
	}
	return *c.arrays[i]
}

// Set implements nn.Memory.
func (c *ArraysCache) Set(s *mlx.Scope, i int, a mlx.Array) {
	if i < 0 || i >= len(c.arrays) {
		s.Fail(fmt.Errorf("cache: no array %d in a layer of %d: the cache was made for another model", i, len(c.arrays)))
		return
	}
	s.Assign(c.arrays[i], a)
}

// Mask implements nn.Memory: columns of padding do not count.
func (c *ArraysCache) Mask(s *mlx.Scope, tokens int) mlx.Array {
	rows := c.hidden(c.offset)
	if rows == "" {
		return mlx.Array{}
	}
	return once(s, padded{rows, tokens}, func() mlx.Array {
		column := s.Arange(0, float64(tokens), 1, mlx.Int32)
		return s.GreaterEqual(column, s.Reshape(integers(s, rows), -1, 1)) // [B, L]
	})
}

// padded is the key of a mask of the next tokens, of which the first in each row
// are padding.
type padded struct {
	rows   numbers
	tokens int
}

// Advance implements nn.Memory.
func (c *ArraysCache) Advance(s *mlx.Scope, tokens int) {
	end := c.offset + tokens
	s.OnSuccess(func() { c.offset = end })
}

// CanTrim implements Layer.
func (c *ArraysCache) CanTrim(n int) error {
	if err := canTrim(n, c.offset); err != nil || n == 0 {
		return err
	}
	return fmt.Errorf("cache: cannot trim %d of %d tokens: %w", n, c.offset, errRecurrent)
}

// Trim implements Layer: only 0 tokens can be dropped.
func (c *ArraysCache) Trim(n int) error { return c.CanTrim(n) }

// Uncached implements Layer.
func (c *ArraysCache) Uncached() Layer { return forgetful{} }

// forgetful is the memory of one pass: it begins with nothing and keeps nothing.
type forgetful struct{ uncached }

// Uncached implements Layer.
func (f forgetful) Uncached() Layer { return f }

// Get implements nn.Memory.
func (forgetful) Get(int) mlx.Array { return mlx.Array{} }

// Set implements nn.Memory.
func (forgetful) Set(*mlx.Scope, int, mlx.Array) {}

// Mask implements nn.Memory.
func (forgetful) Mask(*mlx.Scope, int) mlx.Array { return mlx.Array{} }

// Advance implements nn.Memory.
func (forgetful) Advance(*mlx.Scope, int) {}
