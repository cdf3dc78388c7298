package nn

import (
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// matrix is a weight [out, in] in the form in which its product is fastest:
// dense and transposed once, or packed.
type matrix struct {
	in, out    int
	transposed mlx.Array // [in, out], an evaluated view
	packed     Packed
}

// mul returns x W^T: x [..., in] becomes [..., out].
func (m *matrix) mul(s *mlx.Scope, x mlx.Array) mlx.Array {
	if m.packed.Weight.IsNull() {
		return s.Matmul(x, m.transposed)
	}
	p := &m.packed
	return s.QuantizedMatmul(x, p.Weight, p.Scales, p.Biases, true, mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), p.Mode)
}

// load reads the weights of names as one matrix, the first above the next. Each
// has in columns and as many rows as outs says, any number where that is 0.
func (m *matrix) load(l *loader, names []string, in int, outs []int) error {
	tensors := make([]Tensor, len(names))
	for i, n := range names {
		t := l.tensor(n + ".weight")
		if t == nil || !l.check(n+".weight", t.Shape(), []int{outs[i], in}) {
			return nil // noted
		}
		tensors[i], in = t, t.Shape()[1]
		m.in, m.out = in, m.out+t.Shape()[0]
	}
	if _, packed := tensors[0].(Quantised); packed && !l.policy.Unpack {
		return m.loadPacked(l, tensors)
	}
	return m.loadDense(l, tensors)
}

func (m *matrix) loadDense(l *loader, tensors []Tensor) error {
	parts, err := readAll(tensors, func(t Tensor) (mlx.Array, error) { return t.Dense(l.t, l.policy.Dtype) })
	defer closeAll(parts)
	if err != nil {
		return err
	}
	m.transposed, err = l.make(func(s *mlx.Scope) mlx.Array { return s.Transpose(stack(s, parts)) })
	return err
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
	m.packed = parts[0]
	column := func(of func(p *Packed) mlx.Array) (mlx.Array, error) {
		list := make([]mlx.Array, len(parts))
		for i := range parts {
			list[i] = of(&parts[i])
		}
		if list[0].IsNull() {
			return mlx.Array{}, nil
		}
		return l.make(func(s *mlx.Scope) mlx.Array { return stack(s, list) })
	}
	var err error
	if m.packed.Weight, err = column(func(p *Packed) mlx.Array { return p.Weight }); err != nil {
		return err
	}
	if m.packed.Scales, err = column(func(p *Packed) mlx.Array { return p.Scales }); err != nil {
		return err
	}
	m.packed.Biases, err = column(func(p *Packed) mlx.Array { return p.Biases })
	return err
}

// stack concatenates along the rows; one part alone stays as it is.
func stack(s *mlx.Scope, parts []mlx.Array) mlx.Array {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.ConcatenateAxis(parts, 0)
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
