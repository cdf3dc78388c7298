package cache

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Attend is kv.Attend of queries, keys and values that may still be side by side. The
// result is [B, Hq, L, d], or [B, Hq*d] of a step that our own kernel for a CPU took
// whole: nn.MergeHeads takes both.
func Attend(s *mlx.Scope, kv KV, x nn.QKV, a Attention) mlx.Array {
	if c, ok := kv.(tokenTaker); ok {
		if t, ok := x.Token(s); ok {
			if y, ok := c.take1(s, t, a); ok {
				return y
			}
		}
	}
	q, k, v := x.Apart(s)
	return kv.Attend(s, q, k, v, a)
}

// tokenTaker is a KV that may take the token of a step whole.
type tokenTaker interface {
	take1(s *mlx.Scope, t nn.Token, a Attention) (y mlx.Array, ok bool)
}

// take1 implements tokenTaker.
func (c *KVCache) take1(s *mlx.Scope, t nn.Token, a Attention) (mlx.Array, bool) {
	how, b, after := c.plan(1)
	if c.hidden(c.offset) != "" {
		return mlx.Array{}, false
	}
	return c.token(s, t, a, how, b, after)
}

// take1 implements tokenTaker.
func (c *RotatingKVCache) take1(s *mlx.Scope, t nn.Token, a Attention) (mlx.Array, bool) {
	how, b, after := c.plan(1)
	if c.hidden(c.offset) != "" {
		return mlx.Array{}, false
	}
	return c.token(s, t, a, how, b, after)
}

// token writes a token into the buffers, in place, and attends to them by our own kernel,
// if it serves.
func (st *store) token(s *mlx.Scope, t nn.Token, a Attention, how change, b band, after func()) (y mlx.Array, ok bool) {
	if how.keep != nil || how.behind || how.capacity != st.capacity || !st.holds(s, t, a) {
		return y, false
	}
	window, hidden := b.forKernel(s)
	n := st.parts()
	var keys, values [3]mlx.Array
	for i := range n {
		keys[i], values[i] = *st.keys[i], *st.values[i]
	}
	group := 0
	if st.bits != 0 {
		group = st.group
	}
	out := s.CPUAttendToken(t.Row, keys[:n], values[:n], t.QNorm, t.KNorm, t.Eps, t.Cos, t.Sin, t.Turned, t.Traditional,
		t.Heads, how.at, b.keys, window, a.Scale, a.Softcap, a.sinks(s), hidden, group)
	if len(out) != 1+2*n {
		return y, true // an error went before
	}
	for i := range n {
		s.Assign(st.keys[i], out[1+i])
		s.Assign(st.values[i], out[1+n+i])
	}
	s.OnSuccess(after)
	return out[0], true
}

// holds reports whether the kernel knows the form of the buffers and they are those of such
// tokens. The longer way says what is wrong with others.
func (st *store) holds(s *mlx.Scope, t nn.Token, a Attention) bool {
	if st.empty() || a.Latent != nil || a.seen != nil || st.bits != 0 && st.bits != 8 || t.Dim > widest {
		return false
	}
	numbers := 0
	if st.bits != 0 {
		numbers = 1 // packed words have scales
	}
	if t.KVHeads <= 0 || t.Heads%t.KVHeads != 0 || !s.HasCPUKernels(t.Row, *st.keys[numbers], *st.values[numbers]) {
		return false
	}
	want := st.partShape([]int{s.Dim(t.Row, 0), t.KVHeads, st.capacity, t.Dim}, 0)
	for _, buffer := range []mlx.Array{*st.keys[0], *st.values[0]} {
		if got := s.Shape(buffer); len(got) != 4 || [4]int(got) != want {
			return false
		}
	}
	return true
}
