package nn

import (
	"fmt"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// stackedTensor is tensors of a shape and a form as one with a dimension more.
type stackedTensor struct {
	name  string
	parts []Tensor
	gaps  []string // names of parts that the checkpoint lacks
}

// missing tells Load what the checkpoint lacks.
func (t stackedTensor) missing() []string { return t.gaps }

func (t stackedTensor) source() Tensor { return t.parts[0] }

// Shape implements Tensor.
func (t stackedTensor) Shape() []int { return append([]int{len(t.parts)}, t.parts[0].Shape()...) }

// Check implements Checker.
func (t stackedTensor) Check() error {
	for i, p := range t.parts {
		if c, ok := p.(Checker); ok {
			if err := c.Check(); err != nil {
				return err
			}
		}
		if !slices.Equal(p.Shape(), t.parts[0].Shape()) {
			return fmt.Errorf("%s: expert %d has shape %v, the first one %v", t.name, i, p.Shape(), t.parts[0].Shape())
		}
		if kindOf(p) != kindOf(t.parts[0]) {
			return fmt.Errorf("%s: expert %d is packed otherwise than the first one", t.name, i)
		}
	}
	return nil
}

// kindOf is the quantisation of a tensor, zero where there is none.
func kindOf(t Tensor) Quantisation {
	if q, ok := t.(Quantised); ok {
		return q.Quantisation()
	}
	return Quantisation{}
}

// Fit implements Fitter.
func (t stackedTensor) Fit(in int) Tensor {
	t.parts = slices.Clone(t.parts)
	for i, p := range t.parts {
		if f, ok := p.(Fitter); ok {
			t.parts[i] = f.Fit(in)
		}
	}
	return t.form()
}

// form is a Quantised where the parts are.
func (t stackedTensor) form() Tensor {
	if _, ok := t.parts[0].(Quantised); ok {
		return stackedPacked{t}
	}
	return t
}

// Dense implements Tensor.
func (t stackedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	parts, err := readAll(t.parts, func(p Tensor) (mlx.Array, error) { return p.Dense(th, dtype) })
	defer closeAll(parts)
	if err != nil {
		return mlx.Array{}, err
	}
	stacked, err := stackAll(th, parts)
	if err != nil {
		return mlx.Array{}, err
	}
	return stacked[0], nil
}

// stackAll stacks each list along a new first dimension, and computes.
func stackAll(th *mlx.Thread, lists ...[]mlx.Array) ([]mlx.Array, error) {
	return computed(th, func(s *mlx.Scope) []mlx.Array {
		out := make([]mlx.Array, len(lists))
		for i, list := range lists {
			out[i] = s.Stack(list)
		}
		return out
	})
}

// stackedPacked is a stack of packed tensors.
type stackedPacked struct{ stackedTensor }

// Quantisation implements Quantised.
func (t stackedPacked) Quantisation() Quantisation { return kindOf(t.parts[0]) }

// Packed implements Quantised.
func (t stackedPacked) Packed(th *mlx.Thread, dtype mlx.Dtype) (Packed, error) {
	var lists [3][]mlx.Array // words, scales, biases
	defer func() {
		for _, list := range lists {
			closeAll(list)
		}
	}()
	for _, part := range t.parts {
		p, err := part.(Quantised).Packed(th, dtype)
		if err != nil {
			return Packed{}, err
		}
		for i, a := range []mlx.Array{p.Weight, p.Scales, p.Biases} {
			if !a.IsNull() {
				lists[i] = append(lists[i], a)
			}
		}
	}
	out := Packed{Quantisation: t.Quantisation()}
	stacked, err := stackAll(th, lists[:2+min(1, len(lists[2]))]...)
	if err != nil {
		return Packed{}, err
	}
	out.Weight, out.Scales = stacked[0], stacked[1]
	if len(stacked) > 2 {
		out.Biases = stacked[2]
	}
	return out, nil
}
