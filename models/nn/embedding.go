package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Embedding maps token ids to vectors, and, where a model ties its output to
// its input, vectors to logits.
type Embedding struct {
	Vocab, Dims int // 0 takes what the checkpoint has

	weight mlx.Array // [V, D], when dense
	w      matrix    // the same weight as a product's
}

// Forward maps ids [B] or [B, L] to [B, D] or [B, L, D].
func (e *Embedding) Forward(s *mlx.Scope, ids mlx.Array) mlx.Array {
	p := &e.w.packed
	if p.Weight.IsNull() {
		return s.TakeAxis(e.weight, ids, 0)
	}
	biases := mlx.Array{}
	if !p.Biases.IsNull() {
		biases = s.TakeAxis(p.Biases, ids, 0)
	}
	return s.Dequantize(s.TakeAxis(p.Weight, ids, 0), s.TakeAxis(p.Scales, ids, 0), biases,
		mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), p.Mode, mlx.Array{}, mlx.OptionalDtype{})
}

// AsLinear maps x [..., D] to logits [..., V].
func (e *Embedding) AsLinear(s *mlx.Scope, x mlx.Array) mlx.Array { return e.w.mul(s, x) }

// Shape returns the vocabulary's size V and the width D.
func (e *Embedding) Shape() (vocab, dim int) { return e.w.out, e.w.in }

func (e *Embedding) load(l *loader, names []string) error {
	if err := e.w.load(l, names, e.Dims, []int{e.Vocab}); err != nil || e.w.transposed.IsNull() {
		return err
	}
	var err error
	e.weight, err = l.make(func(s *mlx.Scope) mlx.Array { return s.Transpose(e.w.transposed) })
	return err
}
