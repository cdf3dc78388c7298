package convert

import (
	"fmt"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// item is a weight and what becomes of it.
type item struct {
	models.CheckpointTensor
	from   nn.Quantisation // how it is packed; zero is dense
	to     nn.Quantisation // how it will be
	stored mlx.Dtype       // of its numbers, or of its scales
	dtype  mlx.Dtype       // what they become
	parts  []safetensors.TensorInfo
	chosen choice // where it was for the settings to choose
}

// layer is the name of the layer whose weight it is.
func (it *item) layer() string { return strings.TrimSuffix(it.Name, ".weight") }

// plan tells what becomes of every tensor.
func (s *settings) plan(ck *models.Checkpoint, dtype *mlx.Dtype) ([]*item, error) {
	var layers []string
	for _, t := range ck.Tensors {
		if t.Quantisable {
			layers = append(layers, strings.TrimSuffix(t.Name, ".weight"))
		}
	}
	choose, err := s.chooser(ck.ModelType, layers)
	if err != nil {
		return nil, err
	}
	var items []*item
	for _, t := range ck.Tensors {
		it := &item{CheckpointTensor: t, stored: nn.StoredDtype(t.Tensor)}
		it.dtype = it.stored
		if part, some := uncast[ck.ModelType]; dtype != nil && (!some || !strings.Contains(t.Name, part)) {
			it.dtype = *dtype
		}
		if q, ok := t.Tensor.(nn.Quantised); ok && (!t.Adapted || !s.dequantise) { // which is not packed on the way
			it.from = q.Quantisation()
		}
		if err := s.form(it, choose); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		items = append(items, it)
	}
	return items, nil
}

// form settles how a weight is packed, and what is stored of it.
func (s *settings) form(it *item, choose chooser) error {
	shape := it.Shape()
	switch {
	case it.from.Bits > 0 && s.dequantise:
		if it.from.Mode != "affine" {
			it.dtype = mlx.BFloat16 // as mlx.core.dequantize has it
		}
	case it.from.Bits > 0:
		it.to = it.from
	case s.quantise && it.Quantisable && shape[len(shape)-1]%s.base.GroupSize == 0:
		it.chosen = choose(it.layer())
		it.to = it.chosen.q
	}
	if it.to.Bits == 0 {
		it.parts = []safetensors.TensorInfo{{Name: it.Name, DType: stores[it.dtype], Shape: shape}}
		return nil
	}
	return it.pack(shape)
}

// stores are the dtypes of files for those of numbers.
var stores = map[mlx.Dtype]safetensors.DType{
	mlx.Float32: safetensors.F32, mlx.Float16: safetensors.F16, mlx.BFloat16: safetensors.BF16,
}

// pack lists what a packed weight of that shape is stored as.
func (it *item) pack(shape []int) error {
	rows, in := shape[:len(shape)-1], shape[len(shape)-1]
	if in%it.to.GroupSize != 0 {
		return fmt.Errorf("groups of %d do not divide a row of %d", it.to.GroupSize, in)
	}
	add := func(name string, dtype safetensors.DType, columns int) {
		it.parts = append(it.parts, safetensors.TensorInfo{
			Name: it.layer() + "." + name, DType: dtype, Shape: append(slices.Clone(rows), columns),
		})
	}
	add("weight", safetensors.U32, in*it.to.Bits/32)
	if it.to.Mode != "affine" {
		add("scales", safetensors.U8, in/it.to.GroupSize)
		return nil
	}
	add("scales", stores[it.dtype], in/it.to.GroupSize)
	add("biases", stores[it.dtype], in/it.to.GroupSize)
	return nil
}

// arrays reads the weight and makes what is stored of it: one array for each of
// the parts, not yet computed.
func (it *item) arrays(t *mlx.Thread) ([]mlx.Array, error) {
	if it.from.Bits > 0 {
		return it.repacked(t)
	}
	a, err := it.Dense(t, it.stored)
	if err != nil {
		return nil, err
	}
	return t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		a := s.AsType(s.Own(a, nil), it.dtype)
		if it.to.Bits == 0 {
			return []mlx.Array{a}
		}
		return s.Quantize(a, mlx.SomeInt(it.to.GroupSize), mlx.SomeInt(it.to.Bits), it.to.Mode, mlx.Array{})
	})
}

// repacked is arrays of a weight that is packed already.
func (it *item) repacked(t *mlx.Thread) ([]mlx.Array, error) {
	p, err := it.Tensor.(nn.Quantised).Packed(t, it.stored)
	if err != nil {
		return nil, err
	}
	return t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		parts := []mlx.Array{s.Own(p.Weight, nil), s.Own(p.Scales, nil)}
		biases := mlx.Array{}
		if !p.Biases.IsNull() {
			parts[1] = s.AsType(parts[1], it.dtype)
			biases = s.AsType(s.Own(p.Biases, nil), it.dtype)
			parts = append(parts, biases)
		}
		if it.to.Bits > 0 {
			return parts
		}
		return []mlx.Array{s.Dequantize(parts[0], parts[1], biases, mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), p.Mode,
			mlx.Array{}, mlx.SomeDtype(it.dtype))}
	})
}
