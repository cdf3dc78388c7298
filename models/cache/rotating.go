package cache

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// RotatingKVCache keeps the first few tokens and the last ones, at most size of
// them: a ring that single steps write in place. A chunk follows the tokens
// before it in temporal order, so that for its time there are up to size plus its
// length less one. As mlx_lm.models.cache.RotatingKVCache, and
// BatchRotatingKVCache where rows are padded.
type RotatingKVCache struct {
	store
	padding
	size, first int
	whole       int // how many tokens a query sees in a pass without a cache; 0 for all
	offset      int
	next        int // where a single step writes: behind the newest token
}

// NewRotatingKVCache makes an empty cache of that size, of which keep are for the
// first tokens; its buffers belong to o.
func NewRotatingKVCache(o *mlx.Owner, size, keep int) *RotatingKVCache {
	return &RotatingKVCache{store: newStore(o), size: size, first: min(keep, size-1)}
}

// Offset implements KV.
func (c *RotatingKVCache) Offset() int { return c.offset }

// Position implements KV.
func (c *RotatingKVCache) Position() nn.Position { return c.position(c.offset) }

// begin implements beginner.
func (c *RotatingKVCache) begin(s *mlx.Scope) { c.padding.begin(s, c.offset) }

// CanTrim implements KV: nothing brings back the tokens that were overwritten.
func (c *RotatingKVCache) CanTrim(n int) error {
	if err := canTrim(n, c.offset); err != nil {
		return err
	}
	if n > 0 && c.next != c.offset {
		return fmt.Errorf("cache: cannot trim %d tokens of a cache of size %d that has seen %d: older ones were overwritten", n, c.size, c.offset)
	}
	return nil
}

// Trim implements KV.
func (c *RotatingKVCache) Trim(n int) error {
	if err := c.CanTrim(n); err != nil {
		return err
	}
	c.offset -= n
	if n > 0 {
		c.next = c.offset
	}
	return nil
}

// Attend implements KV.
func (c *RotatingKVCache) Attend(s *mlx.Scope, q, k, v mlx.Array, a Attention) mlx.Array {
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
func (c *RotatingKVCache) plan(queries int) (change, band, func()) {
	how := c.room(queries)
	next, end, held := how.at+queries, c.offset+queries, how.capacity
	b := band{queries: queries, window: c.size}
	if next == end { // not full yet
		held = end
	} else if queries == 1 {
		b.turn = next % held
	}
	b.keys, b.hidden = held, c.hidden(end-held)
	return how, b, func() { c.offset, c.next, c.capacity = end, next, how.capacity }
}

// room is where the next tokens go.
func (c *RotatingKVCache) room(queries int) change {
	if queries != 1 {
		kept := c.latest(c.size - 1)
		return change{keep: kept, behind: true, at: sum(kept), capacity: sum(kept) + queries}
	}
	switch {
	case c.capacity > c.size: // after a chunk
		kept := c.latest(c.size)
		if sum(kept) < c.size {
			return grow(min(c.size, sum(kept)+step), kept...)
		}
		return change{keep: kept, at: c.first, capacity: c.size}
	case c.next < c.capacity:
		return change{at: c.next, capacity: c.capacity}
	case c.capacity < c.size:
		return grow(min(c.size, c.capacity+step), span{0, c.next})
	}
	return change{at: c.first, capacity: c.size} // the oldest but for the first ones
}

// latest is where the first tokens and the last ones are, n together, in temporal
// order.
func (c *RotatingKVCache) latest(n int) []span {
	if c.next == c.offset || c.next == c.capacity {
		return without(max(0, c.next-n), span{0, min(c.first, c.next)}, span{c.first, c.next})
	}
	return without(max(0, c.capacity-n), span{0, c.first}, span{c.next, c.capacity}, span{c.first, c.next})
}

// without leaves n tokens after the first span out, and spans that are empty.
func without(n int, first span, rest ...span) (kept []span) {
	kept = append(kept, first)
	for _, p := range rest {
		drop := min(n, max(0, p.size()))
		n -= drop
		p.from += drop
		if last := &kept[len(kept)-1]; last.to == p.from && p.size() > 0 {
			last.to = p.to
		} else if p.size() > 0 {
			kept = append(kept, p)
		}
	}
	if kept[0].size() == 0 {
		kept = kept[1:]
	}
	return kept
}
