package nn

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// LoRA is a low-rank product beside that of a layer, y = x W^T + Scale (x A) B: Hu
// et al., 2021, https://arxiv.org/abs/2106.09685. With a magnitude it is DoRA,
// where the rows of W + Scale (A B)^T are brought to the lengths M: Liu et al.,
// 2024, https://arxiv.org/abs/2402.09353. Reference: mlx_lm/tuner/lora.py, dora.py.
type LoRA struct {
	Rank  int
	Scale float64

	experts int // of a SwitchLinear, else 0
	in, out int
	rows    bool  // of an embedding: A has a row for each row of W
	untied  bool  // see Adapter
	a, b    Param // [in, r] and [r, out]; of experts [E, r, in] and [E, out, r]
	m       Param // [out]; null for LoRA
	ratio   Param // M over the lengths, [out]; null where M is trained
}

// Adapter is what fine-tuning made of some layers, for Load: weights X.lora_a
// [in, r] and X.lora_b [r, out] of layer X, with X.m [out] for DoRA. An embedding's
// are [V, r] and [r, D], with [V]; those of experts [E, r, in] and [E, out, r].
type Adapter struct {
	Weights Weights
	Scale   func(layer string) float64
	DoRA    bool
	// Untied leaves an embedding's product out where the model uses the embedding
	// as its output layer: PEFT does, mlx-lm does not.
	Untied bool
}

// WithAdapter loads the adapter's low-rank products beside the weights. What is
// wrong with them is told like what is wrong with a checkpoint.
func WithAdapter(a Adapter) LoadOption {
	return func(l *loader) { l.adapter = &a }
}

// planAdapter looks for the adapter of the layer of that name, whose sizes are
// those of r. What it returns reads it once the weight [out, in] is there; w gives
// that.
func (l *loader) planAdapter(name string, r *LoRA, w func(s *mlx.Scope) mlx.Array) (*LoRA, func() error) {
	ad := l.adapter
	if ad == nil || ad.Weights.Tensor(join(name, "lora_a")) == nil && ad.Weights.Tensor(join(name, "lora_b")) == nil {
		return nil, nil
	}
	r.Scale, r.untied = ad.Scale(name), ad.Untied
	params, tensors := []*Param{&r.a, &r.b}, r.find(l.low, name)
	if ad.DoRA {
		if r.experts > 0 {
			l.low.faults.unreadable = append(l.low.faults.unreadable, name+": experts have no DoRA")
		}
		length := r.out
		if r.rows {
			length = r.in
		}
		params, tensors = append(params, &r.m), append(tensors, l.low.find(join(name, "m"), length))
	}
	return r, func() error {
		for i, t := range tensors {
			value, err := t.Dense(l.t, l.policy.Dtype)
			if err != nil {
				return err
			}
			params[i].keep(l.owner, value)
		}
		if !ad.DoRA || l.policy.Trainable {
			return nil
		}
		return l.set(&r.ratio, func(s *mlx.Scope) mlx.Array { return r.lengths(s, w(s)) })
	}
}

// find finds A and B, and takes the rank from A.
func (r *LoRA) find(l *loader, name string) []Tensor {
	first, second := join(name, "lora_a"), join(name, "lora_b")
	if r.experts > 0 {
		a := l.find(first, r.experts, 0, r.in)
		if a != nil {
			r.Rank = a.Shape()[1]
		}
		return []Tensor{a, l.find(second, r.experts, r.out, r.Rank)}
	}
	a := l.find(first, r.in, 0)
	if a != nil {
		r.Rank = a.Shape()[1]
	}
	return []Tensor{a, l.find(second, r.Rank, r.out)}
}

// lengths is M over the lengths of the adapted rows of w [out, in].
func (r *LoRA) lengths(s *mlx.Scope, w mlx.Array) mlx.Array {
	delta := s.Matmul(r.a.Array(), r.b.Array())
	if !r.rows {
		delta = s.Transpose(delta)
	}
	adapted := s.Add(w, s.Multiply(delta, s.Scalar(r.Scale, s.DtypeOf(delta))))
	return s.Divide(r.m.Array(), s.StopGradient(s.NormL2(adapted, []int{1}, false)))
}

// add adds the product to y = x W^T, of a layer with the weight w. r may be nil.
func (r *LoRA) add(s *mlx.Scope, x, y mlx.Array, w func(s *mlx.Scope) mlx.Array) mlx.Array {
	if r == nil || r.rows && r.untied {
		return y
	}
	a, b := r.a.Array(), r.b.Array()
	if r.rows { // as an output layer
		a, b = s.Transpose(b), s.Transpose(a)
	}
	y = s.Add(y, r.scaled(s, s.Matmul(s.Matmul(x, a), b), y))
	if m := r.magnitude(s, w); !m.IsNull() {
		y = s.Multiply(m, y)
	}
	return y
}

// gather adds the product of each row's expert to y, as SwitchLinear has it.
func (r *LoRA) gather(s *mlx.Scope, x, y mlx.Array, routes Routes) mlx.Array {
	if r == nil {
		return y
	}
	z := gatherMM(s, x, s.SwapAxes(r.a.Array(), -2, -1), routes)
	return s.Add(y, r.scaled(s, gatherMM(s, z, s.SwapAxes(r.b.Array(), -2, -1), routes), y))
}

// addRows adds the product to the rows y of the ids of an embedding.
func (r *LoRA) addRows(s *mlx.Scope, ids, y mlx.Array, w func(s *mlx.Scope) mlx.Array) mlx.Array {
	if r == nil {
		return y
	}
	y = s.Add(y, r.scaled(s, s.Matmul(s.TakeAxis(r.a.Array(), ids, 0), r.b.Array()), y))
	if m := r.magnitude(s, w); !m.IsNull() {
		y = s.Multiply(s.ExpandDims(s.TakeAxis(m, ids, 0), -1), y)
	}
	return y
}

func (r *LoRA) scaled(s *mlx.Scope, z, y mlx.Array) mlx.Array {
	return s.AsType(s.Multiply(z, s.Scalar(r.Scale, s.DtypeOf(z))), s.DtypeOf(y))
}

// magnitude is null for LoRA.
func (r *LoRA) magnitude(s *mlx.Scope, w func(s *mlx.Scope) mlx.Array) mlx.Array {
	if r.m.Array().IsNull() || !r.ratio.Array().IsNull() {
		return r.ratio.Array()
	}
	return r.lengths(s, w(s))
}

// params lists A, B and M of the layer of that name. r may be nil.
func (r *LoRA) params(name string) []spec {
	if r == nil {
		return nil
	}
	uniform := initializer.Uniform(-1/math.Sqrt(float64(r.in)), 1/math.Sqrt(float64(r.in)))
	a, b := []int{r.in, r.Rank}, []int{r.Rank, r.out}
	if r.experts > 0 {
		a, b = []int{r.experts, r.Rank, r.in}, []int{r.experts, r.out, r.Rank}
	}
	specs := []spec{
		{name: join(name, "lora_a"), param: &r.a, shape: a, init: uniform},
		{name: join(name, "lora_b"), param: &r.b, shape: b, init: initializer.Zeros()},
	}
	if !r.m.Array().IsNull() {
		specs = append(specs, spec{name: join(name, "m"), param: &r.m, shape: []int{r.out}, init: initializer.Ones()})
	}
	return specs
}
