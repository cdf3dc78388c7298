package cache

import (
	"errors"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var errMerge = errors.New("cache: layers of different kinds, sizes or forms cannot be merged")

// fresh implements batched.
func (c *KVCache) fresh(o *mlx.Owner) batched {
	kv := NewKVCache(o)
	kv.form = c.form
	return kv
}

// width implements batched.
func (c *KVCache) width() int { return c.rowsOf(c.padding) }

// filter implements batched.
func (c *KVCache) filter(s *mlx.Scope, rows []int) {
	left := c.choose(rows)
	free := min(slices.Min(left), c.offset) // columns that are padding in every row
	for i := range left {
		left[i] -= free
	}
	if !c.empty() {
		c.copyTo(s, &c.store, func(buffer mlx.Array) mlx.Array {
			return cut(s, pick(s, buffer, rows), span{0, len(rows)}, span{free, c.capacity})
		})
	}
	s.OnSuccess(func() {
		c.pad(left)
		c.offset, c.capacity = c.offset-free, max(0, c.capacity-free)
	})
}

// extract implements batched.
func (c *KVCache) extract(s *mlx.Scope, into batched, row int) {
	out := into.(*KVCache)
	tokens := span{c.of(row), c.offset}
	if tokens.size() <= 0 {
		return
	}
	c.copyTo(s, &out.store, func(buffer mlx.Array) mlx.Array { return cut(s, buffer, span{row, row + 1}, tokens) })
	s.OnSuccess(func() { out.offset, out.capacity = tokens.size(), tokens.size() })
}

// merge implements batched.
func (c *KVCache) merge(s *mlx.Scope, all []batched) {
	var k stack
	var at []int // where each row is
	for _, l := range all {
		kv, ok := l.(*KVCache)
		if !ok || !kv.same(c.form) {
			s.Fail(errMerge)
			return
		}
		k.stores, k.rows = append(k.stores, &kv.store), append(k.rows, kv.width())
		at = append(at, kv.positions(kv.width(), kv.offset)...)
	}
	k.width = max(0, slices.Max(at))
	for _, l := range all {
		kv := l.(*KVCache)
		k.spans = append(k.spans, []span{{max(0, kv.offset-k.width), kv.offset}})
	}
	if k.width > 0 {
		k.fill(s, &c.store)
	}
	s.OnSuccess(func() {
		c.pad(behind(at, k.width))
		c.offset, c.capacity = k.width, k.width
	})
}
