package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Bilinear is y[o] = x2 W[o] x1 + b[o].
type Bilinear struct {
	In1, In2, Out int
	NoBias        bool // Init makes none; Load takes one where the checkpoint has it

	weight Param // [out, in2, in1]
	bias   Param // [out]; may be null
}

// Forward maps x1 [..., In1] and x2 [..., In2] to [..., Out].
func (b *Bilinear) Forward(s *mlx.Scope, x1, x2 mlx.Array) mlx.Array {
	w := b.weight.Array()
	shape, sizes := s.Shape(x1), s.Shape(w)
	if !wantDims(s, "Bilinear", shape, 1, maxNdim) || !wantDims(s, "Bilinear", sizes, 3, 3) {
		return mlx.Array{}
	}
	out, in2, in1 := sizes[0], sizes[1], sizes[2]
	y := s.Matmul(s.Reshape(x1, -1, in1), s.Transpose(s.Reshape(w, out*in2, in1))) // [N, out*in2]
	y = s.SwapAxes(s.Reshape(y, -1, out, in2), -2, -1)                             // [N, in2, out]
	y = s.Matmul(s.Reshape(x2, -1, 1, in2), y)                                     // [N, 1, out]
	shape[len(shape)-1] = out
	return addBias(s, s.Reshape(y, shape...), b.bias.Array())
}

func (b *Bilinear) params(names []string) []spec {
	uniform := initializer.UniformFan(b.In1)
	bias := spec{name: join(names[0], "bias"), param: &b.bias, shape: []int{b.Out}, init: uniform, optional: true}
	if b.NoBias {
		bias.init = nil
	}
	return []spec{{name: join(names[0], "weight"), param: &b.weight, shape: []int{b.Out, b.In2, b.In1}, init: uniform}, bias}
}

// PReLULayer is PReLU with slopes that are learned: one, or one for each channel.
// mlx.nn calls it PReLU.
type PReLULayer struct {
	Slopes  int     // 0 is 1
	Initial float64 // 0 is 0.25

	weight Param // [Slopes]
}

// Forward keeps the shape of x.
func (p *PReLULayer) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return PReLU(s, x, p.weight.Array())
}

func (p *PReLULayer) params(names []string) []spec {
	return []spec{{name: join(names[0], "weight"), param: &p.weight, shape: []int{orDefault(p.Slopes, 1)},
		init: initializer.Constant(orDefault(p.Initial, 0.25))}}
}
