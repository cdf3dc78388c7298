package nn

import (
	"errors"
	"fmt"
	"strings"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MergeLoRA puts every low-rank product that runs beside a layer of model into the
// layer's weight, which stays in its form: what was packed is packed again in the same
// way, and rounds. The products are freed. Memory is that of one weight. When MergeLoRA
// fails some layers are merged and the others as they were: the model computes what it
// did. Reference: fuse in mlx_lm/tuner/lora.py and dora.py.
func MergeLoRA(t *mlx.Thread, model any, owner *mlx.Owner) error {
	return walk(model, func(_ string, names []string, l layer) error {
		a, ok := l.(adaptable)
		if !ok {
			return nil
		}
		layers, matrices := a.adaptables(names), l.(quantisable).matrices(names)
		each := len(layers) / len(matrices) // 1, or all of the joined ones
		for i, n := range matrices {
			if err := n.merge(t, owner, layers[i*each:(i+1)*each]); err != nil {
				return fmt.Errorf("nn: merge LoRA: %s: %w", strings.Join(names, ", "), err)
			}
		}
		return nil
	})
}

// merge puts the products of layers, one above the other, into the weight.
func (n named) merge(t *mlx.Thread, owner *mlx.Owner, layers []Adaptable) error {
	adapted := false
	for _, ad := range layers {
		adapted = adapted || ad.LoRA != nil
	}
	switch {
	case !adapted:
		return nil
	case fineGroups(n.packed):
		return errors.New("weights in groups of 16 cannot be packed again")
	}
	made, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array { return n.formed(s, mergedRows(s, n.dense(s), layers)) })
	if err != nil {
		return err
	}
	if err := t.Eval(made...); err != nil {
		closeAll(made)
		return err
	}
	params := []*Param{&n.weight, &n.scales, &n.biases}
	if n.transposed && n.rows != nil {
		params[1] = n.rows
	}
	for i, p := range params[:len(made)] {
		p.keep(owner, made[i])
	}
	n.layout = Layout{}
	for _, ad := range layers {
		if ad.LoRA != nil {
			*ad.at = nil
			ad.LoRA.free()
		}
	}
	return nil
}

// mergedRows is w with the product of each layer in its rows.
func mergedRows(s *mlx.Scope, w mlx.Array, layers []Adaptable) mlx.Array {
	var ends []int
	end := 0
	for _, ad := range layers[:len(layers)-1] {
		end += ad.Out
		ends = append(ends, end)
	}
	rows := []mlx.Array{w}
	if len(ends) > 0 {
		rows = s.SplitSections(w, ends, -2)
	}
	if s.Err() != nil {
		return mlx.Array{}
	}
	for i, ad := range layers {
		if r := ad.LoRA; r != nil {
			rows[i] = ad.Merged(s, rows[i], r.a.Array(), r.b.Array(), r.m.Array(), r.Scale)
		}
	}
	return stack(s, rows, -2)
}

// formed is a weight [out, in] in the form of n.
func (n named) formed(s *mlx.Scope, w mlx.Array) []mlx.Array {
	q := n.packed
	switch {
	case n.transposed && n.rows != nil:
		return []mlx.Array{s.Transpose(w), w}
	case n.transposed:
		return []mlx.Array{s.SwapAxes(w, -2, -1)}
	case q.Bits == 0:
		return []mlx.Array{s.AsType(w, s.DtypeOf(n.weight.Array()))}
	case q.Mode == "affine" && !n.layout.Nested:
		w = s.AsType(w, s.DtypeOf(n.scales.Array()))
	}
	return s.Quantize(w, mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits), q.Mode, mlx.Array{})
}

// Merged is a weight w of the layer, [out, in] and of experts [E, out, in], with a
// low-rank product in it, in the dtype of w. The parts a, b and m are those of Adapter;
// m is null for LoRA.
func (ad Adaptable) Merged(s *mlx.Scope, w, a, b, m mlx.Array, scale float64) mlx.Array {
	dtype, factor := s.DtypeOf(w), s.Scalar(scale, mlx.Float32)
	var delta mlx.Array
	switch {
	case ad.Embedding:
		delta = s.Matmul(s.Multiply(factor, a), b)
	case ad.Experts > 0:
		delta = s.Matmul(s.Multiply(factor, b), a)
	default:
		delta = s.Matmul(s.Multiply(factor, s.Transpose(b)), s.Transpose(a))
	}
	w = s.Add(w, s.AsType(delta, dtype))
	if m.IsNull() {
		return w
	}
	ratio := s.Divide(m, s.NormL2(w, []int{-1}, false))
	return s.AsType(s.Multiply(s.ExpandDims(ratio, -1), w), dtype)
}

// free frees the product.
func (r *LoRA) free() {
	for _, p := range []*Param{&r.a, &r.b, &r.m, &r.ratio, &r.squares} {
		p.drop()
	}
}

// Untied reports whether the product of an embedding is left out where the embedding
// is the output layer too: see Adapter.
func (r *LoRA) Untied() bool { return r.untied }
