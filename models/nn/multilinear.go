package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MultiLinear is a linear layer for each head: y = x W^T by W [H, out, in].
// As MultiLinear of mlx_lm/models/mla.py.
type MultiLinear struct {
	Heads   int // must be given
	In, Out int // 0 takes what the checkpoint has

	w matrix
}

// Forward maps x [B, H, L, in] to [B, H, L, out]; one head of x goes to all.
func (m *MultiLinear) Forward(s *mlx.Scope, x mlx.Array) mlx.Array { return m.mul(s, x, true) }

// Back maps x [B, H, L, out] to [B, H, L, in], which is x W; one head of x goes to
// all.
func (m *MultiLinear) Back(s *mlx.Scope, x mlx.Array) mlx.Array { return m.mul(s, x, false) }

func (m *MultiLinear) mul(s *mlx.Scope, x mlx.Array, transpose bool) mlx.Array {
	w, q := m.w.weight.Array(), &m.w.packed
	switch {
	case q.Bits > 0 && s.Device().Type == mlx.GPU:
		// MLX's CUDA kernels refuse, or get wrong, packed weights that a batch shares (0.32.2)
		if w = m.w.dense(s); transpose {
			w = s.SwapAxes(w, -2, -1)
		}
		return s.Matmul(x, w)
	case q.Bits > 0:
		return s.QuantizedMatmul(x, w, m.w.scales.Array(), m.w.biases.Array(), transpose, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode)
	}
	if transpose != m.w.transposed {
		w = s.SwapAxes(w, -2, -1)
	}
	return s.Matmul(x, w)
}

// inner is the weight, which has one for each head as another has for each expert.
func (m *MultiLinear) inner() *matrix {
	m.w.experts, m.w.batched = m.Heads, true
	return &m.w
}

func (m *MultiLinear) plan(l *loader, names []string) func() error {
	return m.inner().plan(l, names, m.In, []int{m.Out})
}

func (m *MultiLinear) params(names []string) []spec {
	return m.inner().params(names[0], m.In, m.Out, initializer.UniformFan(m.In))
}

func (m *MultiLinear) matrices(names []string) []named { return []named{{names[0], &m.w, nil}} }
