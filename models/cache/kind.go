package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Kind says what a layer of a model has to remember; how it is kept is the
// cache's business. The zero Kind is Full.
type Kind struct {
	window int
	arrays int // of a recurrent layer; 0 for attention
}

// Full attends to every token.
func Full() Kind { return Kind{} }

// Sliding attends to the last window tokens, the present one included.
func Sliding(window int) Kind { return Kind{window: window} }

// layer makes the cache of a layer, whose arrays belong to o.
func (k Kind) layer(o *mlx.Owner, c *config) Layer {
	if k.arrays > 0 {
		return NewArraysCache(o, k.arrays)
	}
	size, first := narrow(k.window, c.maxSize), 0
	if k.window == 0 && c.left == nil {
		first = keepFirst
	}
	if size == 0 {
		kv := NewKVCache(o)
		kv.form = c.form
		return kv
	}
	ring := NewRotatingKVCache(o, size, first)
	ring.form, ring.whole = c.form, k.window
	return ring
}

// keepFirst is how many of the first tokens a full layer keeps when its size is
// bounded: much attention rests on them (Xiao et al., 2023,
// https://arxiv.org/abs/2309.17453). As mlx-lm's make_prompt_cache.
const keepFirst = 4
