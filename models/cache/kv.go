package cache

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// step is by how many tokens a buffer grows at least: growing copies it.
const step = 256

// KVCache keeps every token in one growing buffer a layer, written in place.
// As mlx_lm.models.cache.KVCache.
type KVCache struct {
	keys, values *mlx.Array // [B, H, capacity, d]
	capacity     int
	offset       int
	window       int // how many keys a query sees; 0 for all
}

// NewKVCache makes an empty cache whose buffers belong to o.
func NewKVCache(o *mlx.Owner) *KVCache {
	return &KVCache{keys: o.Slot(mlx.Array{}), values: o.Slot(mlx.Array{})}
}

// Offset implements KV.
func (c *KVCache) Offset() int { return c.offset }

// Position implements KV.
func (c *KVCache) Position() nn.Position { return nn.Position{Offset: c.offset} }

// State implements KV.
func (c *KVCache) State() []mlx.Array {
	if c.keys.IsNull() {
		return nil
	}
	return []mlx.Array{*c.keys, *c.values}
}

// CanTrim implements KV.
func (c *KVCache) CanTrim(n int) error { return canTrim(n, c.offset) }

// canTrim: no more can be dropped than there is.
func canTrim(n, have int) error {
	if n < 0 || n > have {
		return fmt.Errorf("cache: cannot trim %d of %d tokens", n, have)
	}
	return nil
}

// Trim implements KV: the buffer stays, the position goes back.
func (c *KVCache) Trim(n int) error {
	if err := c.CanTrim(n); err != nil {
		return err
	}
	c.offset -= n
	return nil
}

// Attend implements KV.
func (c *KVCache) Attend(s *mlx.Scope, q, k, v mlx.Array, a Attention) mlx.Array {
	kShape, vShape := s.Shape(k), s.Shape(v)
	if len(kShape) != 4 || len(vShape) != 4 {
		return attend(s, q, k, v, a, mask{}) // an error now or before
	}
	tokens := kShape[2]
	end := c.offset + tokens
	capacity := c.room(end)
	keys := c.write(s, c.keys, k, kShape, capacity)
	values := c.write(s, c.values, v, vShape, capacity)
	s.OnSuccess(func() { c.offset, c.capacity = end, capacity })
	begin := 0
	if c.window > 0 { // no query sees what lies before
		begin = max(0, end-tokens-c.window+1)
	}
	keys = part(s, keys, kShape, begin, end, capacity)
	return attend(s, q, keys, part(s, values, vShape, begin, end, capacity), a, causal(s, tokens, end-begin, c.window))
}

// room is the capacity that end tokens need: what is there, or whole steps on
// top of the tokens stored.
func (c *KVCache) room(end int) int {
	if end <= c.capacity {
		return c.capacity
	}
	return c.offset + (end-c.offset+step-1)/step*step
}

// write puts x [B, H, L, d] of that shape behind what buffer holds and assigns the
// result.
func (c *KVCache) write(s *mlx.Scope, buffer *mlx.Array, x mlx.Array, shape []int, capacity int) mlx.Array {
	b, h, l, d := shape[0], shape[1], shape[2], shape[3]
	old := *buffer
	if capacity != c.capacity {
		fresh := s.Zeros([]int{b, h, capacity - c.offset, d}, s.DtypeOf(x))
		if c.offset > 0 {
			fresh = s.ConcatenateAxis([]mlx.Array{part(s, old, shape, 0, c.offset, c.capacity), fresh}, 2)
		}
		old = fresh
	}
	out := s.SliceUpdate(old, x, []int{0, 0, c.offset, 0}, []int{b, h, c.offset + l, d}, ones4)
	s.Assign(buffer, out)
	return out
}

var ones4 = []int{1, 1, 1, 1}

// part is tokens [begin, end) of a buffer [B, H, capacity, d], of shape but for
// the tokens.
func part(s *mlx.Scope, buffer mlx.Array, shape []int, begin, end, capacity int) mlx.Array {
	if begin == 0 && end == capacity {
		return buffer
	}
	return s.Slice(buffer, []int{0, 0, begin, 0}, []int{shape[0], shape[1], end, shape[3]}, ones4)
}
