package cache

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// stateReaders make the layers of the classes that a file may have.
var stateReaders = map[string]func(r *stateReader) Layer{
	classKV:                func(r *stateReader) Layer { return readKV(r, false) },
	classQuantized:         func(r *stateReader) Layer { return readKV(r, true) },
	classRotating:          func(r *stateReader) Layer { return readRotating(r, false) },
	classQuantizedRotating: func(r *stateReader) Layer { return readRotating(r, true) },
	classArrays:            readArrays,
}

// floats are what arrays are of that are not packed.
var floats = []mlx.Dtype{mlx.Float32, mlx.Float16, mlx.BFloat16}

func readKV(r *stateReader, quantised bool) Layer {
	c := NewKVCache(r.owner)
	if quantised {
		c.form = r.form("3", "4")
	}
	r.buffers(&c.store)
	if c.offset = r.number("2", 0); c.offset > c.capacity {
		r.fail("%d tokens in buffers of %d", c.offset, c.capacity)
	}
	return c
}

func readRotating(r *stateReader, quantised bool) Layer {
	c := NewRotatingKVCache(r.owner, r.number("4", 1), r.number("3", 0))
	if quantised {
		c.form = r.form("6", "7")
	}
	r.buffers(&c.store)
	c.offset, c.next = r.number("2", 0), r.number("5", 0)
	full := c.next == c.capacity || c.capacity == c.size && c.next >= c.first
	switch {
	case c.first != r.number("3", 0):
		r.fail("%d first tokens in a size of %d", r.number("3", 0), c.size)
	case c.next > c.capacity, c.next > c.offset, c.next < c.offset && (!full || c.capacity < c.size):
		r.fail("token %d is at %d of %d, of size %d", c.offset, c.next, c.capacity, c.size)
	}
	return c
}

func readArrays(r *stateReader) Layer {
	var slots []*mlx.Array
	for path := "0.0"; r.known(path); path = fmt.Sprintf("0.%d", len(slots)) {
		slot := r.owner.Slot(mlx.Array{})
		if r.has(path) {
			r.array(slot, path, floats...)
		}
		slots = append(slots, slot)
	}
	if len(slots) == 0 || r.has("1") || r.has("2") {
		r.fail("no arrays, or rows of different lengths")
	}
	return &ArraysCache{arrays: slots}
}

// form reads a group and bits.
func (r *stateReader) form(group, bits string) form {
	f := form{bits: r.number(bits, 2), group: r.number(group, 1)}
	if err := f.check(); err != nil {
		r.fail("%w", err)
	}
	return f
}

// buffers takes keys and values, which may be nothing.
func (r *stateReader) buffers(st *store) {
	if r.err != nil || r.known("0") && !r.has("0") && r.known("1") && !r.has("1") {
		return
	}
	var first []int
	for group, slots := range [][3]*mlx.Array{st.keys, st.values} {
		var shape []int // of the numbers
		for i := range st.parts() {
			path, types := fmt.Sprint(group), floats
			if st.bits != 0 {
				path = fmt.Sprintf("%d.%d", group, i)
			}
			if st.bits != 0 && i == 0 {
				types = []mlx.Dtype{mlx.Uint32}
			}
			part := r.array(slots[i], path, types...)
			if r.err != nil {
				return
			}
			if i == 0 {
				shape = st.shapeOf(part)
			}
			if len(shape) != 4 || !slices.Equal(part, st.partOf(shape, i)) {
				r.fail("%q of shape %v is no buffer of keys or values", path, part)
				return
			}
		}
		if first == nil {
			first = shape
		}
		if !slices.Equal(first[:3], shape[:3]) {
			r.fail("keys of shape %v and values of shape %v", first, shape)
			return
		}
	}
	st.capacity = first[2]
}

// shapeOf is the shape of numbers of which the first part has that one.
func (f form) shapeOf(part []int) []int {
	if f.bits == 0 || len(part) != 4 {
		return part
	}
	return []int{part[0], part[1], part[2], part[3] * 32 / f.bits}
}

func (f form) partOf(shape []int, i int) []int {
	part := f.partShape(shape, i)
	return part[:]
}
