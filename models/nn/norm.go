package nn

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// RMSNorm scales by the reciprocal root mean square of the last axis, then by a
// weight. Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467.
type RMSNorm struct {
	Dims int     // of x; 0 takes what the checkpoint has
	Eps  float32 // 0 is 1e-5
	Zero bool    // the checkpoint stores the weight less 1, as Gemma's does

	weight  Param // [D]
	shifted bool  // the 1 is in it
	absent  Param // stands for a weight that is shifted, to be frozen
}

// Forward keeps the shape of x [..., D].
func (n *RMSNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	w := n.scale(s)
	if sequenceKernels(s, x) {
		return s.CPURMSNorm(x, w, epsilon(n.Eps))
	}
	return s.RMSNorm(x, w, epsilon(n.Eps))
}

// Add returns x + r, the residual of a block, and its norm, what the next layer
// takes: all [..., D].
func (n *RMSNorm) Add(s *mlx.Scope, x, r mlx.Array) (sum, normed mlx.Array) {
	if sequenceKernels(s, x, r, n.weight.Array()) {
		return s.CPUAddRMSNorm(x, r, n.scale(s), epsilon(n.Eps))
	}
	sum = s.Add(x, r)
	return sum, n.Forward(s, sum)
}

// AddClipped is Add, with the sum kept within the range of float16 as the function of
// that name does.
func (n *RMSNorm) AddClipped(s *mlx.Scope, x, r mlx.Array) (sum, normed mlx.Array) {
	if s.DtypeOf(x) != mlx.Float16 {
		return n.Add(s, x, r)
	}
	sum = AddClipped(s, x, r)
	return sum, n.Forward(s, sum)
}

// scale is the weight with the 1 in it.
func (n *RMSNorm) scale(s *mlx.Scope) mlx.Array {
	w := n.weight.Array()
	if n.Zero && !n.shifted {
		w = s.Add(w, s.Scalar(1, s.DtypeOf(w)))
	}
	return w
}

// plan adds the 1 once, unless the weight is trained.
func (n *RMSNorm) plan(l *loader, names []string) func() error {
	n.shifted = false
	read := l.planParams(n.params(names))
	if !n.Zero || l.policy.Trainable {
		return read
	}
	return inOrder(read, func() error {
		n.shifted = true
		return l.set(&n.weight, func(s *mlx.Scope) mlx.Array {
			w := n.weight.Array()
			return s.Add(w, s.Scalar(1, s.DtypeOf(w)))
		})
	})
}

func (n *RMSNorm) params(names []string) []spec {
	sp := spec{name: join(names[0], "weight"), param: &n.weight, shape: []int{n.Dims}, init: initializer.Ones()}
	if n.Zero {
		sp.init = initializer.Zeros()
	}
	if n.shifted {
		sp.param, sp.inference = &n.absent, true
	}
	return []spec{sp}
}

// LayerNorm takes the mean of the last axis away and divides by its deviation;
// then a weight scales and a bias shifts. Ba et al., 2016,
// https://arxiv.org/abs/1607.06450.
type LayerNorm struct {
	Dims     int
	Eps      float32 // 0 is 1e-5
	NoAffine bool    // neither weight nor bias
	NoBias   bool    // Init makes no bias; Load takes one where the checkpoint has it

	affine
}

// Forward keeps the shape of x [..., D].
func (n *LayerNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.LayerNorm(x, n.weight.Array(), n.bias.Array(), epsilon(n.Eps))
}

func (n *LayerNorm) params(names []string) []spec {
	specs := n.specs(names[0], n.Dims, n.NoAffine)
	if n.NoBias && !n.NoAffine {
		specs[1].init = nil
	}
	return specs
}

// InstanceNorm is a LayerNorm over the positions of each channel of a sequence
// or image. Ulyanov et al., 2016, https://arxiv.org/abs/1607.08022.
type InstanceNorm struct {
	Dims   int
	Eps    float32 // 0 is 1e-5
	Affine bool    // with weight and bias

	affine
}

// Forward keeps the shape of x [N, ..., D].
func (n *InstanceNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if !wantDims(s, "InstanceNorm", shape, 3, maxNdim) {
		return mlx.Array{}
	}
	batch, dims := shape[0], shape[len(shape)-1]
	x = s.SwapAxes(s.Reshape(x, batch, -1, dims), 1, 2) // [N, D, positions]
	x = s.LayerNorm(x, mlx.Array{}, mlx.Array{}, epsilon(n.Eps))
	return n.apply(s, s.Reshape(s.SwapAxes(x, 1, 2), shape...))
}

func (n *InstanceNorm) params(names []string) []spec { return n.specs(names[0], n.Dims, !n.Affine) }

// GroupNorm normalises groups of channels together. Wu and He, 2018,
// https://arxiv.org/abs/1803.08494.
type GroupNorm struct {
	Groups, Dims int
	Eps          float32 // 0 is 1e-5
	NoAffine     bool    // neither weight nor bias
	// PyTorch puts neighbouring channels into a group, as PyTorch does; otherwise
	// group g has the channels g, g+Groups, g+2*Groups, ...
	PyTorch bool

	affine
}

// Forward keeps the shape of x [N, ..., D].
func (n *GroupNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if !wantDims(s, "GroupNorm", shape, 2, maxNdim) {
		return mlx.Array{}
	}
	batch, dims := shape[0], shape[len(shape)-1]
	if n.Groups <= 0 || dims%n.Groups != 0 {
		s.Fail(fmt.Errorf("nn: GroupNorm: %d groups do not divide %d channels", n.Groups, dims))
		return mlx.Array{}
	}
	axes := []int{0, 3, 1, 2} // [N, positions, D/groups, groups] -> [N, groups, positions, D/groups]
	back, split := []int{0, 2, 3, 1}, []int{batch, -1, dims / n.Groups, n.Groups}
	if n.PyTorch {
		axes, back, split = []int{0, 2, 1, 3}, []int{0, 2, 1, 3}, []int{batch, -1, n.Groups, dims / n.Groups}
	}
	x = s.TransposeAxes(s.Reshape(x, split...), axes...)
	grouped := s.Shape(x)
	x = s.LayerNorm(s.Reshape(x, batch, n.Groups, -1), mlx.Array{}, mlx.Array{}, epsilon(n.Eps))
	x = s.TransposeAxes(s.Reshape(x, grouped...), back...)
	return n.apply(s, s.Reshape(x, shape...))
}

func (n *GroupNorm) params(names []string) []spec { return n.specs(names[0], n.Dims, n.NoAffine) }

// affine is a weight and a bias for each channel.
type affine struct{ weight, bias Param }

func (a *affine) specs(name string, dims int, without bool) []spec {
	if without {
		return nil
	}
	return []spec{
		{name: join(name, "weight"), param: &a.weight, shape: []int{dims}, init: initializer.Ones()},
		{name: join(name, "bias"), param: &a.bias, shape: []int{dims}, init: initializer.Zeros(), optional: true},
	}
}

// apply is weight*x + bias, where they are.
func (a *affine) apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	if w := a.weight.Array(); !w.IsNull() {
		x = s.Multiply(w, x)
	}
	return addBias(s, x, a.bias.Array())
}

func epsilon(eps float32) float32 { return orDefault(eps, 1e-5) }

// maxNdim stands for any number of dimensions.
const maxNdim = 1 << 10

// wantDims fails the Build unless x has between low and high dimensions.
func wantDims(s *mlx.Scope, layer string, shape []int, low, high int) bool {
	if s.Err() == nil && (len(shape) < low || len(shape) > high) {
		s.Fail(fmt.Errorf("nn: %s: no input of %d dimensions, %v", layer, len(shape), shape))
	}
	return s.Err() == nil
}
