package cache

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// cut is rows and tokens of a buffer [B, H, capacity, d], the spans of tokens in
// order.
func cut(s *mlx.Scope, buffer mlx.Array, row span, tokens ...span) mlx.Array {
	shape := s.Shape(buffer)
	if len(shape) != 4 {
		return buffer // an error went before
	}
	var parts []mlx.Array
	for _, p := range tokens {
		parts = append(parts, s.Slice(buffer, []int{row.from, 0, p.from, 0}, []int{row.to, shape[1], p.to, shape[3]}, ones4))
	}
	return join(s, parts)
}

// pick is rows of an array [B, ...].
func pick(s *mlx.Scope, a mlx.Array, rows []int) mlx.Array {
	return s.TakeAxis(a, integers(s, encode(rows, func(row int) int { return row })), 0)
}

// choose is the padding of some rows.
func (p *padding) choose(rows []int) (left []int) {
	for _, row := range rows {
		left = append(left, p.of(row))
	}
	return left
}

// of is the padding of a row.
func (p *padding) of(row int) int {
	if p.left == nil {
		return 0
	}
	return p.left[row]
}

// pad sets the padding of the rows; where there is none they need no mask.
func (p *padding) pad(left []int) {
	p.count, p.left, p.rows = len(left), nil, mlx.Array{}
	if slices.ContainsFunc(left, func(n int) bool { return n != 0 }) {
		p.left = left
	}
}

// positions are those of the next tokens of that many rows, after offset columns.
func (p *padding) positions(rows, offset int) (at []int) {
	for row := range rows {
		at = append(at, offset-p.of(row))
	}
	return at
}

// behind is the padding of rows at those positions after that many columns.
func behind(at []int, columns int) (left []int) {
	for _, p := range at {
		left = append(left, columns-p)
	}
	return left
}

// rowsOf is the number of rows of the buffers, else of the padding.
func (st *store) rowsOf(p padding) int {
	if st.empty() {
		return max(1, p.count)
	}
	shape, err := st.keys[0].Shape()
	if err != nil {
		return 1
	}
	return int(shape[0])
}

// copyTo fills another store with what f makes of the buffers.
func (st *store) copyTo(s *mlx.Scope, other *store, f func(buffer mlx.Array) mlx.Array) {
	to := other.slots()
	for i, slot := range st.slots() {
		s.Assign(to[i], f(*slot))
	}
}

// stack puts rows of several stores on top of each other.
type stack struct {
	stores []*store
	rows   []int    // of each
	spans  [][]span // the tokens of each, in order
	width  int      // tokens of the result, at the end of which those of all are
}

// fill puts the rows into a store.
func (k stack) fill(s *mlx.Scope, into *store) {
	for i, slot := range into.slots() {
		s.Assign(slot, k.buffer(s, i))
	}
}

// buffer is the i-th one of the result.
func (k stack) buffer(s *mlx.Scope, i int) mlx.Array {
	like := *k.stores[slices.IndexFunc(k.stores, func(st *store) bool { return !st.empty() })].slots()[i]
	shape, dtype := s.Shape(like), s.DtypeOf(like)
	if len(shape) != 4 {
		return like // an error went before
	}
	var all []mlx.Array
	for n, st := range k.stores {
		var parts []mlx.Array
		if room := k.width - sum(k.spans[n]); room > 0 {
			parts = append(parts, s.Zeros([]int{k.rows[n], shape[1], room, shape[3]}, dtype))
		}
		if sum(k.spans[n]) > 0 {
			parts = append(parts, cut(s, *st.slots()[i], span{0, k.rows[n]}, k.spans[n]...))
		}
		all = append(all, s.ConcatenateAxis(parts, 2))
	}
	return s.ConcatenateAxis(all, 0)
}
