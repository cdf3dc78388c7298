package models

import (
	"fmt"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ggufWeights shows the tensors of a GGUF file under their checkpoint names.
type ggufWeights struct {
	file    *gguf.File
	tensors map[string]ggufTensor
}

// newGGUFWeights indexes a file. heads and kvHeads are those of the rows of q and
// k, where its converter reorders them.
func newGGUFWeights(f *gguf.File, arch *ggufArch, heads, kvHeads int) *ggufWeights {
	w := &ggufWeights{file: f, tensors: map[string]ggufTensor{}}
	for _, info := range f.Tensors {
		name, keep := arch.checkpointName(info.Name)
		if !keep {
			continue
		}
		t := ggufTensor{file: f, info: info}
		switch {
		case arch.pairs && strings.Contains(info.Name, ".attn_q."):
			t.heads = heads
		case arch.pairs && strings.Contains(info.Name, ".attn_k."):
			t.heads = kvHeads
		case arch.shifted && strings.HasSuffix(info.Name, "norm.weight"):
			t.shift = -1
		}
		w.tensors[name] = t
	}
	return w
}

// Close closes the file.
func (w *ggufWeights) Close() error { return w.file.Close() }

// Names implements nn.Weights.
func (w *ggufWeights) Names() []string {
	var names []string
	for n := range w.tensors {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Tensor implements nn.Weights.
func (w *ggufWeights) Tensor(name string) nn.Tensor {
	t, ok := w.tensors[name]
	if !ok {
		return nil
	}
	if len(t.info.Shape) >= 2 {
		if form, ok := quant.FormOf(t.info.Type); ok {
			return ggufAffine{t, nn.Quantisation{GroupSize: form.GroupSize, Bits: form.Bits, Mode: "affine"}}
		}
		if t.info.Type == gguf.TypeMXFP4 {
			return ggufMXFP4{t}
		}
	}
	return t
}

// ggufTensor is one tensor of the file.
type ggufTensor struct {
	file  *gguf.File
	info  gguf.TensorInfo
	heads int     // over which the rows are permuted; 0 for none
	shift float32 // to be added to every element
}

func (t ggufTensor) Shape() []int { return t.info.Shape }

// Check implements nn.Checker.
func (t ggufTensor) Check() error {
	if !quant.Supported(t.info.Type) {
		return t.wrap(fmt.Errorf("type %s is not supported", t.info.Type))
	}
	_, err := t.order()
	return err
}

// order is the order of the rows in the model, nil for that of the file.
func (t ggufTensor) order() ([]int, error) {
	if t.heads == 0 {
		return nil, nil
	}
	rows := t.info.Shape[0]
	if rows%t.heads != 0 {
		return nil, t.wrap(fmt.Errorf("%d rows are no multiple of %d heads", rows, t.heads))
	}
	order, err := quant.HalvesFromPairs(t.heads, rows/t.heads)
	if err != nil {
		return nil, t.wrap(err)
	}
	return order, nil
}

func (t ggufTensor) wrap(err error) error {
	return fmt.Errorf("%s: tensor %s: %w", t.file.Name(), t.info.Name, err)
}

// chunkElements is how many elements of a tensor are expanded or repacked at a
// time: the memory of one chunk is needed beside the tensor's own.
const chunkElements = 4 << 20

// arrays makes the tensor's parts [rows, ...] from chunks of their rows, and gives
// them the tensor's leading dimensions.
func (t ggufTensor) arrays(th *mlx.Thread, chunk func(data []byte, opts []quant.Option, rows int) ([]mlx.Array, error)) ([]mlx.Array, error) {
	data, err := t.file.Data(t.info)
	if err != nil {
		return nil, err
	}
	order, err := t.order()
	if err != nil {
		return nil, err
	}
	lead, width := t.leading()
	rows := 1
	for _, d := range lead {
		rows *= d
	}
	return inRows(th, lead, max(1, chunkElements/width), func(lo, hi int) ([]mlx.Array, error) {
		opts := []quant.Option{quant.WithRows(lo, hi)}
		if order != nil {
			opts = append(opts, quant.WithRowOrder(order))
		}
		parts, err := chunk(data, opts, hi-lo)
		if err != nil {
			return nil, t.wrap(err)
		}
		return parts, nil
	})
}

// leading are the dimensions but the last, which is the width.
func (t ggufTensor) leading() (lead []int, width int) {
	last := len(t.info.Shape) - 1
	if last < 0 {
		return nil, 1
	}
	return t.info.Shape[:last], t.info.Shape[last]
}

// Dense expands the tensor in Go, over all cores, and converts it to dtype.
func (t ggufTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	_, width := t.leading()
	arrays, err := t.arrays(th, func(data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		values := make([]float32, rows*width)
		if err := quant.Dequantize(t.info, data, values, opts...); err != nil {
			return nil, err
		}
		if t.shift != 0 {
			for i := range values {
				values[i] += t.shift
			}
		}
		a, err := sliceAs(th, values, dtype, rows, width)
		return []mlx.Array{a}, err
	})
	if err != nil {
		return mlx.Array{}, err
	}
	return arrays[0], nil
}

// ggufAffine is a tensor that MLX's affine quantisation holds.
type ggufAffine struct {
	ggufTensor
	q nn.Quantisation
}

func (t ggufAffine) Quantisation() nn.Quantisation { return t.q }

func (t ggufAffine) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	var a quant.Affine // its memory serves all chunks
	arrays, err := t.arrays(th, func(data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		if err := quant.Repack(t.info, data, &a, opts...); err != nil {
			return nil, err
		}
		groups := a.Cols / a.GroupSize
		return inTurn(
			func() (mlx.Array, error) { return mlx.FromSlice(th, a.Weight, rows, a.Cols*a.Bits/32) },
			func() (mlx.Array, error) { return sliceAs(th, a.Scales, dtype, rows, groups) },
			func() (mlx.Array, error) { return sliceAs(th, a.Biases, dtype, rows, groups) })
	})
	if err != nil {
		return nn.Packed{}, err
	}
	return nn.Packed{Quantisation: t.q, Weight: arrays[0], Scales: arrays[1], Biases: arrays[2]}, nil
}

// ggufMXFP4 is a tensor that is stored as MLX's mode mxfp4 has it.
type ggufMXFP4 struct{ ggufTensor }

func (t ggufMXFP4) Quantisation() nn.Quantisation {
	return nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "mxfp4"}
}

func (t ggufMXFP4) Packed(th *mlx.Thread, _ mlx.Dtype) (nn.Packed, error) {
	var m quant.MXFP4
	arrays, err := t.arrays(th, func(data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		if err := quant.RepackMXFP4(t.info, data, &m, opts...); err != nil {
			return nil, err
		}
		return inTurn(
			func() (mlx.Array, error) { return mlx.FromSlice(th, m.Weight, rows, m.Cols/8) },
			func() (mlx.Array, error) { return mlx.FromSlice(th, m.Scales, rows, m.Cols/32) })
	})
	if err != nil {
		return nn.Packed{}, err
	}
	return nn.Packed{Quantisation: t.Quantisation(), Weight: arrays[0], Scales: arrays[1]}, nil
}
