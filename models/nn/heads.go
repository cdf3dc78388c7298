package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// SplitHeads maps a projection [B, L, H*d], or [B, H*d] of a single token, to
// heads [B, H, L, d].
func SplitHeads(s *mlx.Scope, x mlx.Array, heads, dim int) mlx.Array {
	if s.Ndim(x) == 2 {
		return s.Reshape(x, -1, heads, 1, dim)
	}
	return s.TransposeAxes(s.Reshape(x, s.Dim(x, 0), -1, heads, dim), 0, 2, 1, 3)
}

// Heads is Forward and SplitHeads of every layer: x [B, L, in], or [B, in] of a
// step, becomes heads [B, H, L, dim], heads[i] of them for layer i. Of a step the
// joined layers are cut into heads once.
func (f *Fused) Heads(s *mlx.Scope, x mlx.Array, dim int, heads ...int) []mlx.Array {
	if f.isJoined() && s.Ndim(x) == 2 {
		return cutHeads(s, f.side(s, x), dim, heads...)
	}
	out := f.Forward(s, x)
	for i := range out {
		out[i] = SplitHeads(s, out[i], heads[i], dim)
	}
	return out
}

// isJoined reports whether the layers are one product.
func (f *Fused) isJoined() bool { return f.parts == nil && !f.isAdapted() }

// side is the results of joined layers side by side.
func (f *Fused) side(s *mlx.Scope, x mlx.Array) mlx.Array {
	return addBias(s, f.joined.mul(s, x), f.bias.Array())
}

// cutHeads cuts a row [B, (heads[0]+heads[1]+...)*dim] of a step into heads
// [B, heads[i], 1, dim].
func cutHeads(s *mlx.Scope, row mlx.Array, dim int, heads ...int) []mlx.Array {
	ends, all := make([]int, len(heads)), 0
	for i, n := range heads {
		all += n
		ends[i] = all
	}
	return s.SplitSections(s.Reshape(row, -1, all, 1, dim), ends[:len(ends)-1], 1)
}

// MergeHeads maps heads [B, H, L, d] to [B, L, H*d], or to [B, H*d] where L is
// 1: the shape that the step began with.
func MergeHeads(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if len(shape) != 4 {
		return x
	}
	if shape[2] == 1 {
		return s.Reshape(x, shape[0], shape[1]*shape[3])
	}
	return s.Reshape(s.TransposeAxes(x, 0, 2, 1, 3), shape[0], shape[2], shape[1]*shape[3])
}

// SplitGroups cuts each of the groups that x [..., groups*(n0+n1+...)] consists of
// into parts of those sizes, and returns each part of all groups,
// [..., groups*n0], [..., groups*n1], and so on.
func SplitGroups(s *mlx.Scope, x mlx.Array, groups int, sizes ...int) []mlx.Array {
	shape, ends, end := s.Shape(x), make([]int, len(sizes)), 0
	if len(shape) == 0 {
		return nil // an error went before
	}
	for i, n := range sizes {
		end += n
		ends[i] = end
	}
	lead := shape[: len(shape)-1 : len(shape)-1]
	parts := s.SplitSections(s.Reshape(x, append(lead, groups, end)...), ends[:len(ends)-1], -1)
	for i := range parts {
		parts[i] = s.Reshape(parts[i], append(lead, groups*sizes[i])...)
	}
	return parts
}
