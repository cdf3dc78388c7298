package models

import (
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// mergedTensor is a weight with the low-rank product of its layer in it.
type mergedTensor struct {
	nn.Tensor
	of      nn.Adaptable
	a, b, m nn.Tensor // m is nil for LoRA
	scale   float64
}

// merge puts the adapter into the tensors, whose names begin with prefix.
func (a *Adapter) merge(arch architecture, tensors []CheckpointTensor, prefix string) error {
	if a == nil || a.Low == nil {
		return nil
	}
	_, tied := arch.headLayer().(*nn.Embedding)
	for _, ad := range nn.Adaptables(arch) {
		i := slices.IndexFunc(tensors, func(t CheckpointTensor) bool { return t.Name == prefix+ad.Name+".weight" })
		if i < 0 || a.Low.Weights.Tensor(ad.Name+".lora_a") == nil {
			continue
		}
		if ad.Embedding && tied && a.Low.Untied {
			return fmt.Errorf("%s: the adapter leaves it as it is where it is the output layer: the two cannot be one weight", ad.Name)
		}
		tensors[i].Tensor, tensors[i].Adapted = a.merged(ad, tensors[i].Tensor), true
	}
	return nil
}

// merged is t with the product of its layer in it.
func (a *Adapter) merged(of nn.Adaptable, t nn.Tensor) nn.Tensor {
	w, layer := a.Low.Weights, of.Name
	out := mergedTensor{
		Tensor: t, of: of, a: w.Tensor(layer + ".lora_a"), b: w.Tensor(layer + ".lora_b"), scale: a.Low.Scale(layer),
	}
	if a.Low.DoRA {
		out.m = w.Tensor(layer + ".m")
	}
	if _, packed := t.(nn.Quantised); packed {
		return mergedPacked{out}
	}
	return out
}

// StoredDtype implements nn.Stored.
func (t mergedTensor) StoredDtype() mlx.Dtype { return nn.StoredDtype(t.Tensor) }

// Dense implements nn.Tensor.
func (t mergedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	var parts [4]mlx.Array // m is null for LoRA
	defer func() { _ = mlx.CloseAll(parts[:]...) }()
	for i, p := range []nn.Tensor{t.Tensor, t.a, t.b, t.m} {
		if p == nil {
			continue
		}
		as := mlx.Float32
		if i == 0 {
			as = dtype
		}
		var err error
		if parts[i], err = p.Dense(th, as); err != nil {
			return mlx.Array{}, err
		}
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return t.of.Merged(s, parts[0], parts[1], parts[2], parts[3], t.scale) })
}

// mergedPacked is one that is packed, and packed again.
type mergedPacked struct{ mergedTensor }

// Quantisation implements nn.Quantised.
func (t mergedPacked) Quantisation() nn.Quantisation { return t.Tensor.(nn.Quantised).Quantisation() }

// Packed implements nn.Quantised.
func (t mergedPacked) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	w, err := t.Dense(th, dtype)
	if err != nil {
		return nn.Packed{}, err
	}
	p := nn.Packed{Quantisation: t.Quantisation()}
	parts, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		return s.Quantize(s.Own(w, nil), mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), p.Mode, mlx.Array{})
	})
	if err != nil {
		return nn.Packed{}, err
	}
	p.Weight, p.Scales = parts[0], parts[1]
	if len(parts) > 2 {
		p.Biases = parts[2]
	}
	return p, th.Eval(parts...)
}
