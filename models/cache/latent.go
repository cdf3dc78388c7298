package cache

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Latent says that keys and values are stored compressed, as in the multi-head
// latent attention of DeepSeek-V2 (2024, https://arxiv.org/abs/2405.04434). What
// Attend takes for k is then a latent [B, 1, L, r], of which all heads make their
// keys and values, and for v the turned part of the keys [B, 1, L, p], which they
// share; q [B, H, L, n] meets the former. The result is [B, H, L, dv]. Any cache
// keeps the two as it keeps keys and values, as mlx-lm does.
type Latent struct {
	Query  mlx.Array       // turned part of the queries [B, H, L, p]
	Keys   *nn.MultiLinear // from the queries to the latent, [H, r, n]
	Values *nn.MultiLinear // from the latent to the values, [H, dv, r]
}

// attendLatent unfolds the latents to keys and values of every head where there
// are many queries. A single query is folded instead, and its head's values are
// made of a weighted latent: nothing of the size of the cache is made.
// As mlx_lm/models/deepseek_v3.py.
func attendLatent(s *mlx.Scope, q mlx.Array, latent, turned operand, a Attention, m mask) mlx.Array {
	shape := s.Shape(q)
	if len(shape) != 4 {
		return q // an error went before
	}
	b, heads, l := shape[0], shape[1], shape[2]
	rows := func(x mlx.Array) mlx.Array { // [B, 1, H*L, ...]: queries of all heads meet the same keys
		return s.Reshape(s.Multiply(x, constant(s, a.Scale, s.DtypeOf(x))), b, 1, heads*l, -1)
	}
	scores := turned.dot(s, rows(a.Latent.Query)) // [B, 1, H*L, T]
	if l > 1 {
		scores = hideRows(s, s.Reshape(scores, b, heads, l, -1), m)
		all := latent.array(s)
		keys, values := a.Latent.Keys.Back(s, all), a.Latent.Values.Forward(s, all) // [B, H, T, n] and [B, H, T, dv]
		return s.ScaledDotProductAttention(q, keys, values, a.Scale, "array", scores, mlx.Array{}, false)
	}
	scores = hideRows(s, scores, m)
	folded := rows(a.Latent.Keys.Forward(s, q)) // [B, 1, H, r]
	scores = s.Add(latent.dot(s, folded), scores)
	out := latent.mix(s, s.SoftmaxAxis(scores, -1, true)) // [B, 1, H, r]
	return a.Latent.Values.Forward(s, s.Reshape(out, b, heads, 1, -1))
}

// hideRows lowers the scores [B, ., ., T] of keys that the mask hides.
func hideRows(s *mlx.Scope, scores mlx.Array, m mask) mlx.Array {
	if m.causal {
		m.array = bandOf(s, band{queries: s.Dim(scores, -2), keys: s.Dim(scores, -1)})
	}
	if m.array.IsNull() {
		return scores
	}
	dtype := s.DtypeOf(scores)
	return s.Where(m.array, scores, constant(s, lowest[dtype], dtype))
}
