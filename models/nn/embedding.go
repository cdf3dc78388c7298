package nn

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Embedding maps token ids to vectors, and, where a model ties its output to
// its input, vectors to logits.
type Embedding struct {
	Vocab, Dims int     // 0 takes what the checkpoint has
	Scale       float64 // of the vectors that Forward returns; 0 is 1

	w     matrix
	rows  Param             // [V, D], beside a transposed w
	dtype mlx.OptionalDtype // of unpacked rows; the mode's own without
	lora  *LoRA             // may be nil
}

// Forward maps ids [B] or [B, L] to [B, D] or [B, L, D].
func (e *Embedding) Forward(s *mlx.Scope, ids mlx.Array) mlx.Array {
	x := e.lora.addRows(s, ids, e.lookup(s, ids))
	if e.Scale == 0 {
		return x
	}
	return s.Multiply(x, num(s, e.Scale, x))
}

func (e *Embedding) lookup(s *mlx.Scope, ids mlx.Array) mlx.Array {
	w := &e.w
	if w.transposed {
		return s.TakeAxis(e.rows.Array(), ids, 0)
	}
	if w.narrow {
		return s.AsType(s.TakeAxis(w.weight.Array(), ids, 0), w.dtype)
	}
	if w.packed.Bits == 0 {
		return s.TakeAxis(w.weight.Array(), ids, 0)
	}
	biases := w.biases.Array()
	if !biases.IsNull() {
		biases = s.TakeAxis(biases, ids, 0)
	}
	return w.numbers(s, s.TakeAxis(w.weight.Array(), ids, 0), s.TakeAxis(w.scales.Array(), ids, 0), biases, e.dtype)
}

// AsLinear maps x [..., D] to logits [..., V].
func (e *Embedding) AsLinear(s *mlx.Scope, x mlx.Array) mlx.Array {
	return e.lora.add(s, x, e.w.mul(s, x))
}

// Shape returns the vocabulary's size V and the width D.
func (e *Embedding) Shape() (vocab, dim int) { return e.w.out, e.w.in }

func (e *Embedding) plan(l *loader, names []string) func() error {
	e.dtype = mlx.SomeDtype(l.policy.Dtype)
	weight := e.w.plan(l, names, e.Dims, []int{e.Vocab})
	rows := func() error {
		if !e.w.transposed {
			return nil
		}
		return l.set(&e.rows, func(s *mlx.Scope) mlx.Array { return s.Transpose(e.w.weight.Array()) })
	}
	var adapter func() error
	e.lora, adapter = l.planAdapter(names[0], e.blank())
	return inOrder(weight, rows, adapter)
}

func (e *Embedding) params(names []string) []spec {
	weight := e.w.params(names[0], e.Dims, e.Vocab, initializer.Normal(0, math.Sqrt(1/float64(e.Dims))))
	return append(weight, e.lora.params(names[0])...)
}

func (e *Embedding) begin([]string) {
	if e.w.packed.Bits == 0 && !e.w.forInference() {
		e.w.in, e.w.out = e.Dims, e.Vocab
	}
}
