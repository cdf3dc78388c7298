package nn

// Adapter is what fine-tuning made of some layers, for Load: weights X.lora_a
// [in, r] and X.lora_b [r, out] of layer X, with X.m [out] for DoRA. An embedding's
// are [V, r] and [r, D], with [V]; those of experts [E, r, in] and [E, out, r].
type Adapter struct {
	Weights Weights
	Scale   func(layer string) float64
	DoRA    bool
	Dropout float64 // in [0, 1): see Dropping
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
// those of r. What it returns reads it once the weight is there.
func (l *loader) planAdapter(name string, r *LoRA) (*LoRA, func() error) {
	ad := l.adapter
	if ad == nil || ad.Weights.Tensor(join(name, "lora_a")) == nil && ad.Weights.Tensor(join(name, "lora_b")) == nil {
		return nil, nil
	}
	r.Scale, r.Dropout, r.untied = ad.Scale(name), ad.Dropout, ad.Untied
	params, tensors := []*Param{&r.a, &r.b}, r.find(l.low, name)
	if ad.DoRA {
		_, _, m := r.shapes()
		params, tensors = append(params, &r.m), append(tensors, l.low.find(join(name, "m"), m...))
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
		return l.set(&r.ratio, r.magnitude)
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
