package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Conv1d convolves sequences [N, L, In] to [N, L', Out]. Zero fields are
// mlx.nn's defaults.
type Conv1d struct {
	In, Out, Kernel  int
	Stride           int // 0 is 1
	Padding          int
	Dilation, Groups int  // 0 is 1
	NoBias           bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel
}

// Forward maps x [N, L, In] to [N, L', Out].
func (c *Conv1d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	y := s.Conv1D(x, c.kernel.weight.Array(), orDefault(c.Stride, 1), c.Padding, orDefault(c.Dilation, 1), orDefault(c.Groups, 1))
	return addBias(s, y, c.kernel.bias.Array())
}

func (c *Conv1d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.In, c.Out, c.Groups, c.NoBias, c.Kernel)
}

// Conv2d convolves images [N, H, W, In] to [N, H', W', Out]. Zero fields are
// mlx.nn's defaults.
type Conv2d struct {
	In, Out  int
	Kernel   Pair
	Stride   Pair // 0 is 1
	Padding  Pair
	Dilation Pair // 0 is 1
	Groups   int  // 0 is 1
	NoBias   bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel
}

// Pair is a size along the height and one along the width.
type Pair struct{ H, W int }

// Both is a Pair of equal sizes.
func Both(n int) Pair { return Pair{n, n} }

// Forward maps x [N, H, W, In] to [N, H', W', Out].
func (c *Conv2d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	stride, dilation := orDefault(c.Stride, Both(1)), orDefault(c.Dilation, Both(1))
	y := s.Conv2D(x, c.kernel.weight.Array(), stride.H, stride.W, c.Padding.H, c.Padding.W, dilation.H, dilation.W, orDefault(c.Groups, 1))
	return addBias(s, y, c.kernel.bias.Array())
}

func (c *Conv2d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.In, c.Out, c.Groups, c.NoBias, c.Kernel.H, c.Kernel.W)
}

// ConvTranspose1d is the transpose of a Conv1d: sequences [N, L, In] become
// longer ones [N, L', Out].
type ConvTranspose1d struct {
	In, Out, Kernel int
	Stride          int // 0 is 1
	Padding         int
	Dilation        int // 0 is 1
	OutputPadding   int
	NoBias          bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel
}

// Forward maps x [N, L, In] to [N, L', Out].
func (c *ConvTranspose1d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	y := s.ConvTranspose1D(x, c.kernel.weight.Array(), orDefault(c.Stride, 1), c.Padding, orDefault(c.Dilation, 1), c.OutputPadding, 1)
	return addBias(s, y, c.kernel.bias.Array())
}

func (c *ConvTranspose1d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.In, c.Out, 1, c.NoBias, c.Kernel)
}

// ConvTranspose2d is the transpose of a Conv2d: images [N, H, W, In] become
// larger ones [N, H', W', Out].
type ConvTranspose2d struct {
	In, Out       int
	Kernel        Pair
	Stride        Pair // 0 is 1
	Padding       Pair
	Dilation      Pair // 0 is 1
	OutputPadding Pair
	NoBias        bool // Init makes none; Load takes one where the checkpoint has it

	kernel kernel
}

// Forward maps x [N, H, W, In] to [N, H', W', Out].
func (c *ConvTranspose2d) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	stride, dilation := orDefault(c.Stride, Both(1)), orDefault(c.Dilation, Both(1))
	y := s.ConvTranspose2D(x, c.kernel.weight.Array(), stride.H, stride.W, c.Padding.H, c.Padding.W, dilation.H, dilation.W,
		c.OutputPadding.H, c.OutputPadding.W, 1)
	return addBias(s, y, c.kernel.bias.Array())
}

func (c *ConvTranspose2d) params(names []string) []spec {
	return c.kernel.specs(names[0], c.In, c.Out, 1, c.NoBias, c.Kernel.H, c.Kernel.W)
}

// kernel is what convolutions learn: a weight [out, sizes..., in/groups] and a
// bias [out].
type kernel struct{ weight, bias Param }

func (k *kernel) specs(name string, in, out, groups int, noBias bool, sizes ...int) []spec {
	fan := in
	for _, n := range sizes {
		fan *= n
	}
	shape := append([]int{out}, sizes...)
	shape = append(shape, in/orDefault(groups, 1))
	weight := spec{name: join(name, "weight"), param: &k.weight, shape: shape, init: initializer.UniformFan(fan)}
	bias := spec{name: join(name, "bias"), param: &k.bias, shape: []int{out}, init: initializer.Zeros(), optional: true}
	if noBias {
		bias.init = nil
	}
	return []spec{weight, bias}
}
