package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Kind says what a layer of a model has to remember; how it is kept is the
// cache's business. The zero Kind is Full.
type Kind struct {
	window int
}

// Full attends to every token.
func Full() Kind { return Kind{} }

// Sliding attends to the last window tokens, the present one included.
func Sliding(window int) Kind { return Kind{window: window} }

// layer makes the cache of a layer, whose arrays belong to o.
func (k Kind) layer(o *mlx.Owner, c *config) Layer {
	kv := NewKVCache(o)
	kv.window = narrow(k.window, c.maxSize)
	return kv
}
