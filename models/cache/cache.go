// Package cache keeps the keys and values of tokens already seen, so that a
// decoding step computes attention for the new token only.
//
// Attention and cache meet behind one interface, KV: how keys are stored
// decides how attention reads them, and a model file knows neither. Recurrent
// layers keep arrays of fixed sizes instead, behind Arrays.
//
// A model says by Kinds what its layers have to remember; options say how: bounded,
// quantised, padded. Each goes with every other. In the words of
// mlx_lm.models.cache:
//
//	Full                        KVCache
//	Full, WithMaxSize           RotatingKVCache of that size that keeps 4
//	Sliding                     RotatingKVCache of the window, or of a smaller WithMaxSize
//	WithBits, Cache.Quantize    QuantizedKVCache; of rotating ones mlx-lm has none
//	WithLeftPadding, Merge      BatchKVCache, BatchRotatingKVCache
//	Recurrent                   ArraysCache
//
// Save and Load exchange them with mlx-lm, as prompt caches.
package cache

import (
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Layer is the memory of one layer of a model.
type Layer interface {
	// Offset is how many tokens were seen: the position of the next one.
	Offset() int
	// State lists the arrays that hold the cache, for evaluation.
	State() []mlx.Array
	// CanTrim says why the last n tokens cannot be dropped: nil if they can.
	CanTrim(n int) error
	// Trim drops the last n tokens, or changes nothing and returns CanTrim's error.
	Trim(n int) error
	// Uncached is a layer of the same kind that remembers nothing.
	Uncached() Layer
}

// KV is the cache of one attention layer.
type KV interface {
	Layer
	// Position is where the next token stands, for RoPE.
	Position() nn.Position
	// Attend stores keys and values and returns the attention of the queries
	// over everything stored that the layer may look at. q is [B, Hq, L, d]; k is
	// [B, Hkv, L, d], v [B, Hkv, L, dv]; the result is [B, Hq, L, dv]. The cache
	// changes when the Build succeeds.
	Attend(s *mlx.Scope, q, k, v mlx.Array, a Attention) mlx.Array
}

// beginner is a layer that makes something for each Build that it is used in.
type beginner interface{ begin(s *mlx.Scope) }

// Cache is what a model remembers of one batch of sequences: a Layer each.
type Cache struct {
	Layers []Layer
	kinds  []Kind
	owner  *mlx.Owner
	err    error // of the options
	pass   Pass  // of one without arrays
}

// New makes the cache of a model with layers of those kinds. It lives on t's
// Worker until it is closed.
func New(t *mlx.Thread, layers []Kind, opts ...Option) *Cache {
	how, err := newConfig(opts)
	c := &Cache{kinds: layers, owner: t.NewOwner("cache"), err: err}
	for _, k := range layers {
		l := k.layer(c.owner, how)
		if p, ok := l.(padder); ok {
			p.pad(slices.Clone(how.left))
		}
		c.Layers = append(c.Layers, l)
	}
	return c
}

// padder is a layer of which rows can be padded.
type padder interface{ pad(left []int) }

// KV is the cache of layer i, which attends. A cache that was made for another
// model fails the Build.
func (c *Cache) KV(s *mlx.Scope, i int) KV {
	s.Fail(c.err)
	if i >= 0 && i < len(c.Layers) {
		if kv, ok := c.segmented(s, c.Layers[i]).(KV); ok {
			if b, ok := kv.(beginner); ok {
				b.begin(s)
			}
			return kv
		}
	}
	s.Fail(fmt.Errorf("cache: layer %d keeps no keys and values: the cache was made for another model", i))
	return uncached{}
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
	for _, l := range c.Layers {
		if err := l.CanTrim(n); err != nil {
			return err
		}
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
