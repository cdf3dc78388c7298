package nn

import (
	"fmt"
	"slices"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Deinterleave shows the weight and the bias of each layer of name whole, whose
// rows are those of two layers by turns, as the two: "gate_up_proj" as "gate_proj"
// and "up_proj".
func Deinterleave(w Weights, whole, even, odd string) Weights {
	return twoLayers(w, whole, even, odd, false)
}

// Halve is Deinterleave of layers whose rows are those of the first layer, then
// those of the second one.
func Halve(w Weights, whole, first, second string) Weights {
	return twoLayers(w, whole, first, second, true)
}

func twoLayers(w Weights, whole, one, other string, halves bool) Weights {
	out := &derived{Weights: w, made: map[string]Tensor{}}
	for _, name := range w.Names() {
		layer, part, _ := cutLast(name, ".")
		prefix, found := strings.CutSuffix(layer, whole)
		axis := map[string]int{"weight": -2, "bias": -1}[part]
		if !found || axis == 0 {
			out.names = append(out.names, name)
			continue
		}
		for first, as := range []string{one, other} {
			out.add(prefix+as+"."+part, alternate{w.Tensor(name), name, first, axis, halves}.form())
		}
	}
	slices.Sort(out.names)
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// alternate is every second row of a tensor, from the first one on, or one of its
// halves.
type alternate struct {
	whole  Tensor
	name   string
	first  int
	axis   int // of the rows, counted from the end
	halves bool
}

// form is a Quantised where the whole is.
func (a alternate) form() Tensor {
	if _, ok := a.whole.(Quantised); ok {
		return packedAlternate{a}
	}
	return a
}

func (a alternate) source() Tensor { return a.whole }

// Shape implements Tensor.
func (a alternate) Shape() []int {
	shape := slices.Clone(a.whole.Shape())
	if i := len(shape) + a.axis; i >= 0 {
		shape[i] /= 2
	}
	return shape
}

// Check implements Checker.
func (a alternate) Check() error {
	if c, ok := a.whole.(Checker); ok {
		if err := c.Check(); err != nil {
			return err
		}
	}
	shape := a.whole.Shape()
	if i := len(shape) + a.axis; i < 0 || shape[i]%2 != 0 {
		return fmt.Errorf("%s has shape %v, which is not that of two layers", a.name, shape)
	}
	return nil
}

// Fit implements Fitter.
func (a alternate) Fit(in int) Tensor {
	if f, ok := a.whole.(Fitter); ok {
		a.whole = f.Fit(in)
	}
	return a.form()
}

// pick is a copy of the rows of w.
func (a alternate) pick(s *mlx.Scope, w mlx.Array) mlx.Array {
	stop := s.Shape(w)
	at := len(stop) + a.axis
	if at < 0 {
		return w // an error went before, and Check refuses such shapes
	}
	start, strides := make([]int, len(stop)), slices.Repeat([]int{1}, len(stop))
	if half := stop[at] / 2; a.halves {
		start[at], stop[at] = a.first*half, (a.first+1)*half
	} else {
		start[at], strides[at] = a.first, 2
	}
	return s.Contiguous(s.Slice(w, start, stop, strides), false)
}

// Dense implements Tensor.
func (a alternate) Dense(t *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	whole, err := a.whole.Dense(t, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	made, err := computed(t, func(s *mlx.Scope) []mlx.Array { return []mlx.Array{a.pick(s, s.Own(whole, nil))} })
	if err != nil {
		return mlx.Array{}, err
	}
	return made[0], nil
}

// packedAlternate is every second row of a packed tensor.
type packedAlternate struct{ alternate }

// Quantisation implements Quantised.
func (a packedAlternate) Quantisation() Quantisation { return kindOf(a.whole) }

// Packed implements Quantised.
func (a packedAlternate) Packed(t *mlx.Thread, dtype mlx.Dtype) (Packed, error) {
	p, err := a.whole.(Quantised).Packed(t, dtype)
	if err != nil {
		return Packed{}, err
	}
	columns := []*mlx.Array{&p.Weight, &p.Scales, &p.Biases}
	if p.Biases.IsNull() {
		columns = columns[:2]
	}
	made, err := computed(t, func(s *mlx.Scope) []mlx.Array {
		picked := make([]mlx.Array, len(columns))
		for i, c := range columns {
			picked[i] = a.pick(s, s.Own(*c, nil))
		}
		return picked
	})
	if err != nil {
		return Packed{}, err
	}
	for i, c := range columns {
		*c = made[i]
	}
	return p, nil
}
