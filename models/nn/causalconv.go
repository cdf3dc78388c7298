package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// CausalConv1d convolves every channel by itself, each position with the
// Kernel-1 before it. It is what recurrent layers begin with.
type CausalConv1d struct {
	Dims, Kernel int
	NoBias       bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel // [D, Kernel, 1]
	taps   Param  // [Kernel, D], the same for inference
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
	if s.Device().Type == mlx.CPU {
		y = c.tapped(s, x, length)
	} else {
		y = s.Conv1D(x, c.kernel.weight.Array(), 1, 0, 1, c.Dims)
	}
	return addBias(s, y, c.kernel.bias.Array()), s.Contiguous(last, false) // not a view of all of x
}

// tapped is the convolution of x [B, Kernel-1+L, D] as a sum of products, in
// float32: MLX's convolution of single channels on a CPU takes ten times as long.
func (c *CausalConv1d) tapped(s *mlx.Scope, x mlx.Array, length int) mlx.Array {
	taps, dtype := c.taps.Array(), s.DtypeOf(x)
	if taps.IsNull() {
		taps = c.turned(s)
	}
	x, taps = s.AsType(x, mlx.Float32), s.AsType(taps, mlx.Float32)
	if length == 1 {
		return s.AsType(s.SumAxis(s.Multiply(x, taps), 1, true), dtype)
	}
	batch, dims := s.Dim(x, 0), s.Dim(x, 2)
	var y mlx.Array
	for i := range c.Kernel {
		tap := s.Slice(taps, []int{i, 0}, []int{i + 1, dims}, []int{1, 1})
		part := s.Multiply(s.Slice(x, []int{0, i, 0}, []int{batch, i + length, dims}, []int{1, 1, 1}), tap)
		if i > 0 {
			part = s.Add(y, part)
		}
		y = part
	}
	return s.AsType(y, dtype)
}

// turned is the kernel as [Kernel, D].
func (c *CausalConv1d) turned(s *mlx.Scope) mlx.Array {
	return s.Transpose(s.SqueezeAxis(c.kernel.weight.Array(), -1))
}

// plan turns the kernel once, unless it is trained.
func (c *CausalConv1d) plan(l *loader, names []string) func() error {
	read := l.planParams(c.params(names))
	if l.policy.Trainable {
		c.taps.drop()
		return read
	}
	return inOrder(read, func() error {
		return l.set(&c.taps, func(s *mlx.Scope) mlx.Array { return s.Contiguous(c.turned(s), false) })
	})
}

func (c *CausalConv1d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.Dims, c.Dims, c.Dims, c.NoBias, c.Kernel)
}
