package cache

import (
	"errors"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var errKeep = errors.New("cache: layers that keep their first tokens cannot be merged: in rows of different lengths those are not in one place")

// fresh implements batched.
func (c *RotatingKVCache) fresh(o *mlx.Owner) batched {
	ring := NewRotatingKVCache(o, c.size, c.first)
	ring.form, ring.whole = c.form, c.whole
	return ring
}

// width implements batched.
func (c *RotatingKVCache) width() int { return c.rowsOf(c.padding) }

// filter implements batched. Padding goes by itself as the ring turns.
func (c *RotatingKVCache) filter(s *mlx.Scope, rows []int) {
	left := c.choose(rows)
	if !c.empty() {
		c.copyTo(s, &c.store, func(buffer mlx.Array) mlx.Array { return pick(s, buffer, rows) })
	}
	s.OnSuccess(func() { c.pad(left) })
}

// extract implements batched.
func (c *RotatingKVCache) extract(s *mlx.Scope, into batched, row int) {
	out := into.(*RotatingKVCache)
	at := c.offset - c.of(row)
	tokens := c.latest(at)
	if c.empty() || sum(tokens) <= 0 {
		return
	}
	c.copyTo(s, &out.store, func(buffer mlx.Array) mlx.Array { return cut(s, buffer, span{row, row + 1}, tokens...) })
	s.OnSuccess(func() { out.offset, out.next, out.capacity = at, sum(tokens), sum(tokens) })
}

// merge implements batched.
func (c *RotatingKVCache) merge(s *mlx.Scope, all []batched) {
	var k stack
	var at []int // where each row is
	for _, l := range all {
		ring, ok := l.(*RotatingKVCache)
		if !ok || !ring.same(c.form) || ring.size != c.size {
			s.Fail(errMerge)
			return
		}
		if ring.first > 0 {
			s.Fail(errKeep)
			return
		}
		k.stores, k.rows = append(k.stores, &ring.store), append(k.rows, ring.width())
		at = append(at, ring.positions(ring.width(), ring.offset)...)
	}
	columns := max(0, slices.Max(at))
	k.width = min(c.size, columns)
	for _, l := range all {
		k.spans = append(k.spans, l.(*RotatingKVCache).latest(k.width))
	}
	if k.width > 0 {
		k.fill(s, &c.store)
	}
	s.OnSuccess(func() {
		c.pad(behind(at, columns))
		c.offset, c.next, c.capacity = columns, k.width, k.width
	})
}
