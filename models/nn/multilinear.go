package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MultiLinear is a linear layer for each head: y = x W^T by W [H, out, in].
// As MultiLinear of mlx_lm/models/mla.py.
type MultiLinear struct {
	Heads, In, Out int // 0 takes what the checkpoint has

	w matrix // [H, out, in], as it is stored
}

// Forward maps x [B, H, L, in] to [B, H, L, out]; one head of x goes to all.
func (m *MultiLinear) Forward(s *mlx.Scope, x mlx.Array) mlx.Array { return m.mul(s, x, true) }

// Back maps x [B, H, L, out] to [B, H, L, in], which is x W; one head of x goes to
// all.
func (m *MultiLinear) Back(s *mlx.Scope, x mlx.Array) mlx.Array { return m.mul(s, x, false) }

func (m *MultiLinear) mul(s *mlx.Scope, x mlx.Array, transpose bool) mlx.Array {
	w, q := m.w.weight.Array(), &m.w.packed
	if q.Bits > 0 {
		return s.QuantizedMatmul(x, w, m.w.scales.Array(), m.w.biases.Array(), transpose, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode)
	}
	if transpose {
		w = s.SwapAxes(w, -1, -2)
	}
	return s.Matmul(x, w)
}

func (m *MultiLinear) plan(l *loader, names []string) func() error {
	m.w.packed = Quantisation{}
	t := l.find(join(names[0], "weight"), m.Heads, m.Out, m.In)
	if t == nil {
		return nil // noted
	}
	if _, packed := t.(Quantised); packed && !l.policy.Unpack {
		return func() error { return m.w.loadPacked(l, []Tensor{t}) }
	}
	return func() error {
		a, err := t.Dense(l.t, l.policy.Dtype)
		if err == nil {
			m.w.weight.keep(l.owner, a)
		}
		return err
	}
}

func (m *MultiLinear) params(names []string) []spec {
	specs := m.w.params(names[0], m.In, m.Out, initializer.UniformFan(m.In))
	specs[0].shape = []int{m.Heads, m.Out, m.In}
	return specs
}

func (m *MultiLinear) matrices(names []string) []named { return []named{{names[0], &m.w, nil}} }
