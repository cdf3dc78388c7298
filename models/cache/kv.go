package cache

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// KVCache keeps every token in growing buffers, written in place. As
// mlx_lm.models.cache.KVCache, and QuantizedKVCache where its numbers are
// quantised, and BatchKVCache where rows are padded.
type KVCache struct {
	store
	padding
	offset int
}

// NewKVCache makes an empty cache whose buffers belong to o.
func NewKVCache(o *mlx.Owner) *KVCache { return &KVCache{store: newStore(o)} }

// Offset implements KV.
func (c *KVCache) Offset() int { return c.offset }

// Position implements KV.
func (c *KVCache) Position() nn.Position { return c.position(c.offset) }

// begin implements beginner.
func (c *KVCache) begin(s *mlx.Scope) { c.padding.begin(s, c.offset) }

// CanTrim implements KV.
func (c *KVCache) CanTrim(n int) error { return canTrim(n, c.offset) }

// canTrim: no more can be dropped than there is.
func canTrim(n, have int) error {
	if n < 0 || n > have {
		return fmt.Errorf("cache: cannot trim %d of %d tokens", n, have)
	}
	return nil
}

// Trim implements KV: the buffers stay, the position goes back.
func (c *KVCache) Trim(n int) error {
	if err := c.CanTrim(n); err != nil {
		return err
	}
	c.offset -= n
	return nil
}

// Attend implements KV.
func (c *KVCache) Attend(s *mlx.Scope, q, k, v mlx.Array, a Attention) mlx.Array {
	newKeys, ok := c.take(s, c.blank(s, k, c.offset))
	newValues, fits := c.take(s, c.blank(s, v, c.offset))
	if !ok || !fits {
		return attend(s, q, k, v, a, mask{}) // an error now or before
	}
	how, b, after := c.plan(newKeys.shape[2])
	keys, values := c.put(s, newKeys, newValues, how)
	s.OnSuccess(after)
	return keys.attendTo(s, q, values, a, b, how.capacity)
}

// plan is where the next tokens go, what their queries see, and what changes when they
// are there.
func (c *KVCache) plan(queries int) (change, band, func()) {
	end := c.offset + queries
	how := c.room(end)
	return how, band{queries: queries, keys: end, hidden: c.hidden(0)}, func() { c.offset, c.capacity = end, how.capacity }
}

// room is where the tokens up to end go: into what is there, or into whole steps
// on top of the tokens stored, with room for one more, so that the token after a
// prompt copies nothing.
func (c *KVCache) room(end int) change {
	if end <= c.capacity {
		return change{at: c.offset, capacity: c.capacity}
	}
	return grow(c.offset+((end-c.offset)/step+1)*step, span{0, c.offset})
}
