package nn

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// matrix is a weight [out, in]: for inference in the form in which its product is
// fastest, which is transposed once or packed; for training as it is stored. That
// of a mixture of experts has one for each.
type matrix struct {
	experts    int // 0 is a weight without that dimension
	in, out    int
	weight     Param // [E, out, in]; [E, in, out] and an evaluated view when transposed
	transposed bool
	scales     Param // with packed
	biases     Param
	packed     Quantisation // Bits is 0 when dense
}

// mul returns x W^T: x [..., in] becomes [..., out].
func (m *matrix) mul(s *mlx.Scope, x mlx.Array) mlx.Array {
	w := m.weight.Array()
	switch {
	case m.transposed:
		return s.Matmul(x, w)
	case m.packed.Bits == 0:
		return s.Matmul(x, s.Transpose(w))
	}
	q := &m.packed
	if s.CPUKernels() {
		return s.CPUQuantizedMatmul(x, w, m.scales.Array(), m.biases.Array(), q.GroupSize, q.Bits, q.Mode)
	}
	return s.QuantizedMatmul(x, w, m.scales.Array(), m.biases.Array(), true, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode)
}

// perExpert is a shape that a weight has for every expert.
func (m *matrix) perExpert(shape ...int) []int {
	if m.experts == 0 {
		return shape
	}
	return append([]int{m.experts}, shape...)
}

// dense returns the weight [out, in] as numbers.
func (m *matrix) dense(s *mlx.Scope) mlx.Array {
	w := m.weight.Array()
	switch {
	case m.transposed:
		return s.Transpose(w)
	case m.packed.Bits == 0:
		return w
	}
	q := &m.packed
	return s.Dequantize(w, m.scales.Array(), m.biases.Array(), mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode,
		mlx.Array{}, mlx.OptionalDtype{})
}

// params lists what a layer of that name has in the matrix.
func (m *matrix) params(name string, in, out int, init initializer.Func) []spec {
	weight := spec{name: join(name, "weight"), param: &m.weight, shape: m.perExpert(out, in), init: init}
	if m.transposed {
		weight.param = nil
	}
	if m.packed.Bits == 0 {
		return []spec{weight}
	}
	weight.buffer = true
	return []spec{weight,
		{name: join(name, "scales"), param: &m.scales},
		{name: join(name, "biases"), param: &m.biases}}
}

// plan finds the weights of names, which become one matrix, the first above the
// next. Each has in columns and as many rows as outs says, any number where that
// is 0.
func (m *matrix) plan(l *loader, names []string, in int, outs []int) func() error {
	tensors := make([]Tensor, len(names))
	m.in, m.out, m.transposed, m.packed = in, 0, false, Quantisation{}
	for i, n := range names {
		if tensors[i] = l.find(join(n, "weight"), m.perExpert(outs[i], in)...); tensors[i] == nil {
			return nil // noted
		}
		var out int
		out, in = rowsColumns(tensors[i])
		m.in, m.out = in, m.out+out
	}
	if _, packed := tensors[0].(Quantised); packed && !l.policy.Unpack {
		return func() error { return m.loadPacked(l, tensors) }
	}
	return func() error { return m.loadDense(l, tensors) }
}

// rowsColumns are the last two dimensions of a weight.
func rowsColumns(t Tensor) (out, in int) {
	shape := t.Shape()
	return shape[len(shape)-2], shape[len(shape)-1]
}

func (m *matrix) loadDense(l *loader, tensors []Tensor) error {
	parts, err := readAll(tensors, func(t Tensor) (mlx.Array, error) { return t.Dense(l.t, l.policy.Dtype) })
	defer closeAll(parts)
	if err != nil {
		return err
	}
	m.transposed = !l.policy.Trainable
	return l.set(&m.weight, func(s *mlx.Scope) mlx.Array {
		if m.transposed {
			return s.SwapAxes(stack(s, parts, -2), -2, -1)
		}
		return stack(s, parts, -2)
	})
}

func (m *matrix) loadPacked(l *loader, tensors []Tensor) error {
	packed := make([]Packed, len(tensors))
	var open []mlx.Array
	defer func() { closeAll(open) }()
	for i, t := range tensors {
		q, ok := t.(Quantised)
		if !ok {
			return fmt.Errorf("part %d is not quantised, the first one is", i+1)
		}
		p, err := q.Packed(l.t, l.policy.Dtype)
		if err != nil {
			return err
		}
		open = append(open, p.Weight, p.Scales, p.Biases)
		packed[i] = p
	}
	return m.stackPacked(l, packed)
}

// stackPacked makes one packed weight of several: rows are independent.
func (m *matrix) stackPacked(l *loader, parts []Packed) error {
	m.packed = parts[0].Quantisation
	m.scales.frozen, m.biases.frozen = true, true
	for _, column := range []struct {
		to *Param
		of func(p *Packed) mlx.Array
	}{
		{&m.weight, func(p *Packed) mlx.Array { return p.Weight }},
		{&m.scales, func(p *Packed) mlx.Array { return p.Scales }},
		{&m.biases, func(p *Packed) mlx.Array { return p.Biases }},
	} {
		list := make([]mlx.Array, len(parts))
		for i := range parts {
			list[i] = column.of(&parts[i])
		}
		if list[0].IsNull() {
			continue
		}
		if err := l.set(column.to, func(s *mlx.Scope) mlx.Array { return stack(s, list, -2) }); err != nil {
			return err
		}
	}
	return nil
}

// stack concatenates along an axis; one part alone stays as it is.
func stack(s *mlx.Scope, parts []mlx.Array, axis int) mlx.Array {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.ConcatenateAxis(parts, axis)
}

func readAll(tensors []Tensor, read func(Tensor) (mlx.Array, error)) ([]mlx.Array, error) {
	var parts []mlx.Array
	for _, t := range tensors {
		a, err := read(t)
		if err != nil {
			return parts, err
		}
		parts = append(parts, a)
	}
	return parts, nil
}

// closeAll frees arrays that exist, which does not fail.
func closeAll(arrays []mlx.Array) { _ = mlx.CloseAll(arrays...) }
