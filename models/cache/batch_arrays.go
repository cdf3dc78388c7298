package cache

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// fresh implements batched.
func (c *ArraysCache) fresh(o *mlx.Owner) batched { return NewArraysCache(o, len(c.arrays)) }

// width implements batched.
func (c *ArraysCache) width() int {
	for _, a := range c.State() {
		if shape, err := a.Shape(); err == nil && len(shape) > 0 {
			return int(shape[0])
		}
	}
	return max(1, c.count)
}

// filter implements batched.
func (c *ArraysCache) filter(s *mlx.Scope, rows []int) {
	c.copyRows(s, c, rows)
	left := c.choose(rows)
	free := min(slices.Min(left), c.offset) // columns that are padding in every row
	for i := range left {
		left[i] -= free
	}
	s.OnSuccess(func() {
		c.pad(left)
		c.offset -= free
	})
}

// copyRows assigns rows of the arrays to those of a layer.
func (c *ArraysCache) copyRows(s *mlx.Scope, to *ArraysCache, rows []int) {
	for i, a := range c.arrays {
		if !a.IsNull() {
			s.Assign(to.arrays[i], pick(s, *a, rows))
		}
	}
}

// extract implements batched.
func (c *ArraysCache) extract(s *mlx.Scope, into batched, row int) {
	out := into.(*ArraysCache)
	at := max(0, c.offset-c.of(row))
	if at > 0 {
		c.copyRows(s, out, []int{row})
	}
	s.OnSuccess(func() { out.offset = at })
}

// merge implements batched.
func (c *ArraysCache) merge(s *mlx.Scope, all []batched) {
	var layers []*ArraysCache
	var at []int // where each row is
	for _, l := range all {
		a, ok := l.(*ArraysCache)
		if !ok || len(a.arrays) != len(c.arrays) {
			s.Fail(errMerge)
			return
		}
		layers, at = append(layers, a), append(at, a.positions(a.width(), a.offset)...)
	}
	for i, slot := range c.arrays {
		if a := stackArrays(s, layers, i); !a.IsNull() {
			s.Assign(slot, a)
		}
	}
	columns := max(0, slices.Max(at))
	s.OnSuccess(func() {
		c.pad(behind(at, columns))
		c.offset = columns
	})
}

// stackArrays puts the i-th arrays of all layers on top of each other, zeros for
// those that have not begun; null if none has.
func stackArrays(s *mlx.Scope, layers []*ArraysCache, i int) mlx.Array {
	begun := slices.IndexFunc(layers, func(l *ArraysCache) bool { return !l.arrays[i].IsNull() })
	if begun < 0 {
		return mlx.Array{}
	}
	like := *layers[begun].arrays[i]
	shape, dtype := s.Shape(like), s.DtypeOf(like)
	var parts []mlx.Array
	for _, l := range layers {
		part := *l.arrays[i]
		if part.IsNull() && len(shape) > 0 {
			part = s.Zeros(append([]int{l.width()}, shape[1:]...), dtype)
		}
		parts = append(parts, part)
	}
	return s.ConcatenateAxis(parts, 0)
}
