package nn

import (
	"errors"
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
	narrow     bool  // dense, of 16 bits beside activations of dtype: for our own kernels
	absent     Param // stands for a weight in a form for inference, to be frozen
	scales     Param // with packed
	biases     Param
	packed     Quantisation // Bits is 0 when dense
	layout     Layout
	dtype      mlx.Dtype // of the activations, as the policy has it
	rounded    bool      // activations may be, see Policy
	batched    bool      // its products are MLX's, which our own kernels do not know
}

// mul returns x W^T: x [..., in] becomes [..., out].
func (m *matrix) mul(s *mlx.Scope, x mlx.Array) mlx.Array {
	w := m.weight.Array()
	switch {
	case m.transposed:
		return s.Matmul(x, w)
	case m.narrow && s.CPUKernels():
		return s.CPUMatmul(x, w)
	case m.packed.Bits == 0 || m.fine() && !s.CPUKernels():
		return s.Matmul(x, s.Transpose(m.dense(s)))
	}
	q := &m.packed
	if s.CPUKernels() {
		return s.CPUQuantizedMatmul(x, w, m.scales.Array(), m.biases.Array(), q.GroupSize, q.Bits, q.Mode, m.exact(s))
	}
	scales, biases := m.known(s, m.scales.Array(), m.biases.Array())
	return s.QuantizedMatmul(x, w, scales, biases, true, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode)
}

// exact reports whether the rows of a product must stay as they are.
func (m *matrix) exact(s *mlx.Scope) bool { return !m.rounded || !s.CPUStepKernels() }

// forInference reports whether the weight is in a form that is not to be trained or
// saved.
func (m *matrix) forInference() bool { return m.transposed || m.narrow || m.layout != (Layout{}) }

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
		return s.SwapAxes(w, -2, -1)
	case m.narrow:
		return s.AsType(w, m.dtype)
	case m.packed.Bits == 0:
		return w
	}
	return m.numbers(s, w, m.scales.Array(), m.biases.Array(), mlx.OptionalDtype{})
}

// times is u W^T [r, out] by a few rows u [r, in]; of experts [E, r, out] by
// [E, r, in].
func (m *matrix) times(s *mlx.Scope, u mlx.Array) mlx.Array {
	if m.experts == 0 {
		return m.mul(s, u)
	}
	return s.Matmul(u, s.SwapAxes(m.dense(s), -2, -1))
}

// numbers unpacks rows of the weight. Those of the mode's dtype, unless another is
// given; our own kernel makes float32.
func (m *matrix) numbers(s *mlx.Scope, w, scales, biases mlx.Array, dtype mlx.OptionalDtype) mlx.Array {
	q := &m.packed
	switch {
	case s.CPUKernels() && m.dtype == mlx.Float32:
		return s.CPUDequantize(w, scales, biases, q.GroupSize, q.Bits, q.Mode)
	case m.fine():
		s.Fail(errFine)
		return mlx.Array{}
	}
	scales, biases = m.known(s, scales, biases)
	return s.Dequantize(w, scales, biases, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode, mlx.Array{}, dtype)
}

// errFine is the error of a weight that MLX has no operations for.
var errFine = errors.New("nn: weights in groups of 16 need our own kernels for a CPU, which do not serve here; load the model with dense weights")

// fine reports whether the weight is packed in groups that MLX does not know.
func (m *matrix) fine() bool { return fineGroups(m.packed) }

func fineGroups(q Quantisation) bool { return q.GroupSize == 16 && q.Mode == "affine" }

// params lists what a layer of that name has in the matrix.
func (m *matrix) params(name string, in, out int, init initializer.Func) []spec {
	weight := spec{name: join(name, "weight"), param: &m.weight, shape: m.perExpert(out, in), init: init}
	if m.forInference() {
		weight.param, weight.inference = &m.absent, true
	}
	if m.packed.Bits == 0 || m.layout != (Layout{}) {
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
	m.rounded = l.policy.Rounded
	m.in, m.out, m.transposed, m.narrow, m.packed, m.layout, m.dtype = in, 0, false, false, Quantisation{}, Layout{}, l.policy.Dtype
	for i, n := range names {
		if tensors[i] = l.find(join(n, "weight"), m.perExpert(outs[i], in)...); tensors[i] == nil {
			return nil // noted
		}
		var out int
		out, in = rowsColumns(tensors[i])
		m.in, m.out = in, m.out+out
	}
	if q, packed := tensors[0].(Quantised); packed && !l.policy.Unpack && (!m.batched || !fineGroups(q.Quantisation())) {
		if p := m.placers(l, tensors); p != nil {
			return l.place(m, p)
		}
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
	dtype := m.keeps(l, tensors)
	parts, err := readAll(tensors, func(t Tensor) (mlx.Array, error) { return t.Dense(l.t, dtype) })
	defer closeAll(parts)
	if err != nil {
		return err
	}
	m.narrow = dtype != l.policy.Dtype
	m.transposed = !l.policy.Trainable && !m.narrow
	return l.set(&m.weight, func(s *mlx.Scope) mlx.Array {
		if m.transposed {
			return s.SwapAxes(stack(s, parts, -2), -2, -1)
		}
		return stack(s, parts, -2)
	})
}

// keeps is the dtype in which the weight's numbers are kept.
func (m *matrix) keeps(l *loader, tensors []Tensor) mlx.Dtype {
	_, packed := tensors[0].(Quantised)
	if m.batched || packed && l.policy.Unpack {
		return l.policy.Dtype
	}
	return l.policy.Keeps(tensors...)
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
		p, err := q.Packed(l.t, m.keeps(l, tensors))
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
