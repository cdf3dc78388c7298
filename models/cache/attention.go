package cache

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Attention is how the queries of a layer weigh the keys.
type Attention struct {
	Scale   float32   // of the products
	Softcap float32   // bounds the scores: cap*tanh(score/cap); 0 does not
	Sinks   mlx.Array // [Hq] scores of a key that has no value; null for none
	Latent  *Latent   // reads compressed keys and values, without Softcap and Sinks; nil for none

	seen *Seen // keeps what was attended to; see NotedIn
}

// attend is the policy in one place: MLX's fused kernel, causal by mode where
// there is more than one query, for an array mask turns it off. On a CPU there is
// no such kernel, and a single query has a shorter way.
func attend(s *mlx.Scope, q, k, v mlx.Array, a Attention, m mask) mlx.Array {
	a.note(plain(k), plain(v), m)
	if a.Latent != nil {
		return attendLatent(s, q, plain(k), plain(v), a, m)
	}
	shape := s.Shape(q)
	if a.Softcap != 0 && len(shape) == 4 {
		return compose(s, q, plain(k), plain(v), a, m, shape)
	}
	if s.Device().Type == mlx.CPU && a.Sinks.IsNull() && m == (mask{}) {
		if keys := s.Shape(k); single(shape, keys, s.Shape(v)) {
			return compose(s, q, plain(k), plain(v), a, m, shape)
		}
	}
	mode := ""
	switch {
	case m.causal:
		mode = "causal"
	case !m.array.IsNull():
		mode = "array"
	}
	return s.ScaledDotProductAttention(q, k, v, a.Scale, mode, m.array, a.Sinks, false)
}

// attendTo is attention over the keys of a band, in buffers of that capacity. Packed
// buffers are read whole and the rest is hidden: MLX copies what is not contiguous
// before it multiplies by it. Our own kernel reads what there is of any buffers.
func (o operand) attendTo(s *mlx.Scope, q mlx.Array, values operand, a Attention, b band, capacity int) mlx.Array {
	if y, ok := o.kernel(s, q, values, a, b); ok {
		return y
	}
	if o.bits != 0 {
		b.free = capacity - b.keys
	} else {
		o, values = o.part(s, span{0, b.keys}, capacity), values.part(s, span{0, b.keys}, capacity)
	}
	return o.attend(s, q, values, a, see(s, b))
}

// attend is attention over keys and values in a form of the cache's: MLX has
// kernels of products with packed numbers, and none that is fused.
func (o operand) attend(s *mlx.Scope, q mlx.Array, values operand, a Attention, m mask) mlx.Array {
	if o.bits == 0 {
		return attend(s, q, o.parts[0], values.parts[0], a, m)
	}
	if a.Latent != nil {
		return attendLatent(s, q, o, values, a, m)
	}
	shape := s.Shape(q)
	if len(shape) != 4 {
		return attend(s, q, o.parts[0], values.parts[0], a, m) // an error now or before
	}
	a.note(o, values, m)
	return compose(s, q, o, values, a, m, shape)
}

// single reports whether the shapes are those of one query a head, and fit.
// MLX says what is wrong with the others.
func single(q, k, v []int) bool {
	return len(q) == 4 && len(k) == 4 && len(v) == 4 && q[2] == 1 &&
		q[0] == k[0] && k[0] == v[0] && k[1] == v[1] && k[1] > 0 && q[1]%k[1] == 0 && k[2] == v[2] && q[3] == k[3]
}
