package models

import (
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// mergedTensor is a weight with the low-rank product of its layer in it. Reference:
// fuse in mlx_lm/tuner/lora.py and dora.py.
type mergedTensor struct {
	nn.Tensor
	a, b, m nn.Tensor // m is nil for LoRA
	scale   float64
	rows    bool // of an embedding: A has a row for each row of the weight
	experts bool
}

// merge puts the adapter into the tensors, whose names begin with prefix.
func (a *adapter) merge(arch architecture, tensors []CheckpointTensor, prefix string) error {
	if a == nil || a.low == nil {
		return nil
	}
	_, tied := arch.headLayer().(*nn.Embedding)
	for _, ad := range nn.Adaptables(arch) {
		i := slices.IndexFunc(tensors, func(t CheckpointTensor) bool { return t.Name == prefix+ad.Name+".weight" })
		if i < 0 || a.low.Weights.Tensor(ad.Name+".lora_a") == nil {
			continue
		}
		if ad.Embedding && tied && a.low.Untied {
			return fmt.Errorf("%s: the adapter leaves it as it is where it is the output layer: the two cannot be one weight", ad.Name)
		}
		tensors[i].Tensor, tensors[i].Adapted = a.merged(ad, tensors[i].Tensor), true
	}
	return nil
}

// merged is t with the product of its layer in it.
func (a *adapter) merged(of nn.Adaptable, t nn.Tensor) nn.Tensor {
	w, layer := a.low.Weights, of.Name
	out := mergedTensor{
		Tensor: t, a: w.Tensor(layer + ".lora_a"), b: w.Tensor(layer + ".lora_b"), scale: a.low.Scale(layer),
		rows: of.Embedding, experts: of.Experts > 0,
	}
	if a.low.DoRA {
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
	var parts []mlx.Array
	defer func() { _ = mlx.CloseAll(parts...) }()
	for _, p := range []nn.Tensor{t.Tensor, t.a, t.b, t.m} {
		if p == nil {
			continue
		}
		as := mlx.Float32
		if len(parts) == 0 {
			as = dtype
		}
		a, err := p.Dense(th, as)
		if err != nil {
			return mlx.Array{}, err
		}
		parts = append(parts, a)
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return t.sum(s, parts) })
}

// sum is the weight parts[0] and the product; what DoRA makes of it.
func (t mergedTensor) sum(s *mlx.Scope, parts []mlx.Array) mlx.Array {
	w, scale := parts[0], s.Scalar(t.scale, mlx.Float32)
	dtype := s.DtypeOf(w)
	var delta mlx.Array
	switch {
	case t.rows:
		delta = s.Matmul(s.Multiply(scale, parts[1]), parts[2])
	case t.experts:
		delta = s.Matmul(s.Multiply(scale, parts[2]), parts[1])
	default:
		delta = s.Matmul(s.Multiply(scale, s.Transpose(parts[2])), s.Transpose(parts[1]))
	}
	w = s.Add(w, s.AsType(delta, dtype))
	if t.m == nil {
		return w
	}
	ratio := s.Divide(parts[3], s.NormL2(w, []int{-1}, false))
	return s.AsType(s.Multiply(s.ExpandDims(ratio, -1), w), dtype)
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
