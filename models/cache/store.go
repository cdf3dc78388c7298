package cache

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// step is by how many tokens a buffer grows at least: growing copies it.
const step = 256

// store holds the keys and values of a layer in buffers with the tokens along
// axis 2, written in place.
type store struct {
	form
	keys, values [3]*mlx.Array // [B, H, capacity, width] for each part of the form
	capacity     int
}

func newStore(o *mlx.Owner) (st store) {
	for i := range st.keys {
		st.keys[i], st.values[i] = o.Slot(mlx.Array{}), o.Slot(mlx.Array{})
	}
	return st
}

// empty reports whether nothing was ever stored.
func (st *store) empty() bool { return st.keys[0].IsNull() }

// State implements KV.
func (st *store) State() (all []mlx.Array) {
	if st.empty() {
		return nil
	}
	for _, slot := range st.slots() {
		all = append(all, *slot)
	}
	return all
}

// slots are the places of the buffers: the parts of the keys, then of the values.
func (st *store) slots() []*mlx.Array {
	return append(slices.Clone(st.keys[:st.parts()]), st.values[:st.parts()]...)
}

// span is tokens [from, to) of a buffer.
type span struct{ from, to int }

func (p span) size() int { return p.to - p.from }

func sum(spans []span) (n int) {
	for _, p := range spans {
		n += p.size()
	}
	return n
}

// change is what a pass does to the buffers.
type change struct {
	keep     []span // what stays of the old ones, in order; nil where they do as they are
	behind   bool   // the tokens of the pass follow at once, and nothing more
	at       int    // else they go here,
	capacity int    // into buffers of this capacity
}

// grow keeps spans and leaves room behind them.
func grow(capacity int, keep ...span) change {
	return change{keep: slices.DeleteFunc(keep, func(p span) bool { return p.size() <= 0 }), at: sum(keep), capacity: capacity}
}

// tokens are the keys or values of a pass: x of that shape [B, H, L, d], in the
// store's form.
type tokens struct {
	parts [3]mlx.Array
	shape []int
}

// put stores the tokens of a pass and returns the buffers as they are then. The
// caller takes over the capacity when the Build succeeds.
func (st *store) put(s *mlx.Scope, k, v tokens, c change) (keys, values operand) {
	keys, values = operand{form: st.form, shape: k.shape}, operand{form: st.form, shape: v.shape}
	for i := range st.parts() {
		keys.parts[i] = st.write(s, st.keys[i], k.parts[i], st.partShape(k.shape, i), c)
		values.parts[i] = st.write(s, st.values[i], v.parts[i], st.partShape(v.shape, i), c)
	}
	return keys, values
}

// write changes one buffer, to which it assigns, by x of that shape.
func (st *store) write(s *mlx.Scope, buffer *mlx.Array, x mlx.Array, shape [4]int, c change) mlx.Array {
	old := *buffer
	var kept []mlx.Array
	for _, p := range c.keep {
		kept = append(kept, part(s, old, shape, p, st.capacity))
	}
	var out mlx.Array
	switch {
	case c.behind:
		out = join(s, append(kept, x))
	case c.capacity == st.capacity && c.keep == nil:
		out = update(s, old, x, shape, c.at)
	default:
		if room := c.capacity - sum(c.keep); room > 0 {
			kept = append(kept, s.Zeros([]int{shape[0], shape[1], room, shape[3]}, s.DtypeOf(x)))
		}
		if len(kept) > 1 {
			kept[0] = s.ConcatenateAxis(kept, 2)
		}
		out = update(s, kept[0], x, shape, c.at)
	}
	s.Assign(buffer, out)
	return out
}

// join puts arrays behind each other along the tokens. One alone may be a view of
// something larger, which would be kept alive.
func join(s *mlx.Scope, arrays []mlx.Array) mlx.Array {
	if len(arrays) == 1 {
		return s.Contiguous(arrays[0], false)
	}
	return s.ConcatenateAxis(arrays, 2)
}

var ones4 = []int{1, 1, 1, 1}

// update writes x of that shape into a buffer, in place if nobody else holds it.
func update(s *mlx.Scope, buffer, x mlx.Array, shape [4]int, at int) mlx.Array {
	return s.SliceUpdate(buffer, x, []int{0, 0, at, 0}, []int{shape[0], shape[1], at + shape[2], shape[3]}, ones4)
}

// part is some tokens of a buffer [B, H, capacity, d], of shape but for the
// tokens.
func part(s *mlx.Scope, buffer mlx.Array, shape [4]int, p span, capacity int) mlx.Array {
	if p == (span{0, capacity}) {
		return buffer
	}
	return s.Slice(buffer, []int{0, 0, p.from, 0}, []int{shape[0], shape[1], p.to, shape[3]}, ones4)
}
