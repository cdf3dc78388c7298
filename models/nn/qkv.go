package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// QKV is the queries, keys and values of self-attention, on their way from the
// projection to the cache. Where our own kernels for a CPU take the token of a step
// whole, norm and rope wait for the cache; elsewhere they happen at once.
type QKV struct {
	row                 mlx.Array // [B, (Hq+2*Hkv)*d] of a step, side by side; null where they are apart
	q, k, v             mlx.Array // [B, H, L, d]
	dim, heads, kvHeads int
	qNorm, kNorm        *RMSNorm
	rope                *RoPE
	at                  Position
}

// QKV is Heads of three layers: the projections of x [B, L, in], or [B, in] of a step,
// to heads of dim features.
func (f *Fused) QKV(s *mlx.Scope, x mlx.Array, dim, heads, kvHeads int) QKV {
	if f.isJoined() && stepKernels(s, x) {
		return JoinedQKV(s, f.side(s, x), dim, heads, kvHeads)
	}
	h := QKV{dim: dim, heads: heads, kvHeads: kvHeads}
	h.q, h.k, h.v = Three(f.Heads(s, x, dim, heads, kvHeads, kvHeads))
	return h
}

// JoinedQKV is the QKV of a projection that has them side by side:
// [B, L, (Hq+2*Hkv)*dim], or [B, (Hq+2*Hkv)*dim] of a step.
func JoinedQKV(s *mlx.Scope, y mlx.Array, dim, heads, kvHeads int) QKV {
	h := QKV{dim: dim, heads: heads, kvHeads: kvHeads}
	if stepKernels(s, y) {
		h.row = y
		return h
	}
	q, k, v := Three(s.SplitSections(y, []int{heads * dim, (heads + kvHeads) * dim}, -1))
	h.q, h.k, h.v = SplitHeads(s, q, heads, dim), SplitHeads(s, k, kvHeads, dim), SplitHeads(s, v, kvHeads, dim)
	return h
}

// Norm norms the features of every head of queries and keys.
func (h QKV) Norm(s *mlx.Scope, q, k *RMSNorm) QKV {
	if !h.row.IsNull() {
		h.qNorm, h.kNorm = q, k
	} else {
		h.q, h.k = q.Forward(s, h.q), k.Forward(s, h.k)
	}
	return h
}

// Turn turns queries and keys whose first token stands at a position. A nil RoPE
// turns nothing.
func (h QKV) Turn(s *mlx.Scope, r *RoPE, at Position) QKV {
	if !h.row.IsNull() {
		h.rope, h.at = r, at
	} else {
		h.q, h.k = r.Forward(s, h.q, at), r.Forward(s, h.k, at)
	}
	return h
}

// Apart is queries [B, Hq, L, d], keys and values [B, Hkv, L, d].
func (h QKV) Apart(s *mlx.Scope) (q, k, v mlx.Array) {
	if h.row.IsNull() {
		return h.q, h.k, h.v
	}
	q, k, v = Three(cutHeads(s, h.row, h.dim, h.heads, h.kvHeads, h.kvHeads))
	if h.qNorm != nil {
		q, k = h.qNorm.Forward(s, q), h.kNorm.Forward(s, k)
	}
	return h.rope.Forward(s, q, h.at), h.rope.Forward(s, k, h.at), v
}

// Token is a QKV of a step that is not apart, as Scope.CPUAttendToken takes it.
type Token struct {
	Row                 mlx.Array // [B, (Hq+2*Hkv)*d]
	Dim, Heads, KVHeads int
	QNorm, KNorm        mlx.Array // [d]; may be null
	Eps                 float32
	Cos, Sin            mlx.Array // of the position; may be null
	Turned              int       // features
	Traditional         bool
}

// Token is the token, unless it is apart or the kernel does not know how it is normed or
// turned.
func (h QKV) Token(s *mlx.Scope) (t Token, ok bool) {
	if h.row.IsNull() || h.rope != nil && (!h.rope.lookup || h.rope.Dims > h.dim) {
		return t, false
	}
	t = Token{Row: h.row, Dim: h.dim, Heads: h.heads, KVHeads: h.kvHeads}
	if h.qNorm != nil {
		t.QNorm, t.KNorm, t.Eps = h.qNorm.scale(s), h.kNorm.scale(s), epsilon(h.qNorm.Eps)
		if t.Eps != epsilon(h.kNorm.Eps) || !s.HasCPUKernels(h.row, t.QNorm, t.KNorm) {
			return t, false
		}
	}
	if h.rope != nil {
		t.Cos, t.Sin = h.rope.angles(s, h.at, 1, h.dim)
		t.Turned, t.Traditional = h.rope.Dims, h.rope.Traditional
	}
	return t, s.Err() == nil
}
