package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// CausalConv1d convolves every channel by itself, each position with the
// Kernel-1 before it. It is what recurrent layers begin with.
type CausalConv1d struct {
	Dims, Kernel int
	NoBias       bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel // [D, Kernel, 1]
}

// Forward maps x [B, L, D], of which before [B, Kernel-1, D] are the positions
// that precede it, to [B, L, D], and returns what is to precede the next x. A null
// before is zeros.
func (c *CausalConv1d) Forward(s *mlx.Scope, x, before mlx.Array) (y, last mlx.Array) {
	shape := s.Shape(x)
	if !wantDims(s, "CausalConv1d", shape, 3, 3) {
		return mlx.Array{}, mlx.Array{}
	}
	batch, length, dims, keep := shape[0], shape[1], shape[2], c.Kernel-1
	if before.IsNull() {
		before = s.Zeros([]int{batch, keep, dims}, s.DtypeOf(x))
	}
	x = s.ConcatenateAxis([]mlx.Array{before, x}, 1) // [B, Kernel-1+L, D]
	last = s.Slice(x, []int{0, length, 0}, []int{batch, length + keep, dims}, []int{1, 1, 1})
	y = s.Conv1D(x, c.kernel.weight.Array(), 1, 0, 1, c.Dims)
	return addBias(s, y, c.kernel.bias.Array()), s.Contiguous(last, false) // not a view of all of x
}

func (c *CausalConv1d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.Dims, c.Dims, c.Dims, c.NoBias, c.Kernel)
}
