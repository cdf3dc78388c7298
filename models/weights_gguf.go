package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ggufWeights shows the tensors of a GGUF file under their checkpoint names. They
// are read one after the other.
type ggufWeights struct {
	file    *gguf.File
	config  *ggufConfig
	tensors map[string]ggufTensor
	scratch ggufScratch
	fine    bool // groups of 16, which our own kernels know, where a type has them
}

// ggufScratch is memory for a chunk of a tensor, which serves the next one too.
type ggufScratch struct {
	values []float32
	affine quant.Affine
	mxfp4  quant.MXFP4
}

// newGGUFWeights indexes a file.
func newGGUFWeights(f *gguf.File, arch *ggufArch, c *ggufConfig) *ggufWeights {
	heads := int(c.int("num_attention_heads"))
	kvHeads := orElse(int(c.int("num_key_value_heads")), heads)
	w := &ggufWeights{file: f, config: c, tensors: map[string]ggufTensor{}}
	for _, info := range f.Tensors {
		name, keep := arch.checkpointName(info.Name)
		if !keep {
			continue
		}
		t := ggufTensor{file: f, scratch: &w.scratch, info: info}
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
		var opts []quant.Option
		if w.fine {
			opts = append(opts, quant.WithFineGroups())
		}
		if form, ok := quant.FormOf(t.info.Type, opts...); ok {
			return ggufAffine{t, form, opts}
		}
		if t.info.Type == gguf.TypeMXFP4 {
			return ggufMXFP4{t}
		}
	}
	return t
}

// ggufTensor is one tensor of the file.
type ggufTensor struct {
	file    *gguf.File
	scratch *ggufScratch
	info    gguf.TensorInfo
	heads   int     // over which the rows are permuted; 0 for none
	shift   float32 // to be added to every element
}

func (t ggufTensor) Shape() []int { return t.info.Shape }

// ExactDtype implements nn.Exact.
func (t ggufTensor) ExactDtype() mlx.Dtype {
	switch {
	case t.shift != 0:
	case t.info.Type == gguf.TypeF16:
		return mlx.Float16
	case t.info.Type == gguf.TypeBF16:
		return mlx.BFloat16
	}
	return mlx.Float32
}

// StoredDtype implements nn.Stored. The scales of blocks are products, which
// float32 holds.
func (t ggufTensor) StoredDtype() mlx.Dtype {
	switch t.info.Type {
	case gguf.TypeF16:
		return mlx.Float16
	case gguf.TypeBF16:
		return mlx.BFloat16
	}
	return mlx.Float32
}

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
const chunkElements = 2 << 20

// arrays makes the tensor's parts from chunks of their rows, and gives them the
// tensor's leading dimensions.
func (t ggufTensor) arrays(th *mlx.Thread, chunk func(m gguf.TensorInfo, data []byte, opts []quant.Option, rows int) ([]mlx.Array, error)) ([]mlx.Array, error) {
	data, err := t.file.Data(t.info)
	if err != nil {
		return nil, err
	}
	order, err := t.order()
	if err != nil {
		return nil, err
	}
	m, lead := t.matrix(), t.info.Shape[:max(len(t.info.Shape)-1, 0)]
	parts, err := inRows(th, m.Shape[0], max(1, chunkElements/m.Shape[1]), func(lo, hi int) ([]mlx.Array, error) {
		opts := []quant.Option{quant.WithRows(lo, hi)}
		if order != nil {
			opts = append(opts, quant.WithRowOrder(order))
		}
		parts, err := chunk(m, data, opts, hi-lo)
		if err != nil {
			return nil, t.wrap(err)
		}
		return parts, nil
	})
	if err != nil {
		return nil, err
	}
	return evaluatedAll(th, func(s *mlx.Scope) []mlx.Array {
		shaped := make([]mlx.Array, len(parts))
		for i, a := range owned(s, parts) {
			shaped[i] = s.Reshape(a, append(slices.Clone(lead), -1)...)
		}
		return shaped
	})
}

// matrix is the tensor as rows. A vector is one, unless its elements are to be
// reordered.
func (t ggufTensor) matrix() gguf.TensorInfo {
	m, n := t.info, t.info.Elements()
	width := n
	if last := len(t.info.Shape) - 1; last > 0 {
		width = t.info.Shape[last]
	} else if t.heads > 0 {
		width = 1
	}
	m.Shape = []int{n / width, width}
	return m
}

// Dense expands the tensor in Go, over all cores, and converts it to dtype.
func (t ggufTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	arrays, err := t.arrays(th, func(m gguf.TensorInfo, data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		t.scratch.values = slices.Grow(t.scratch.values[:0], rows*m.Shape[1])[:rows*m.Shape[1]]
		values := t.scratch.values
		if err := quant.Dequantize(m, data, values, opts...); err != nil {
			return nil, err
		}
		if t.shift != 0 {
			for i := range values {
				values[i] += t.shift
			}
		}
		a, err := sliceAs(th, values, dtype, rows, m.Shape[1])
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
	form quant.Form
	opts []quant.Option
}

// ExactDtype implements nn.Exact.
func (t ggufAffine) ExactDtype() mlx.Dtype {
	if t.form.Half {
		return mlx.Float16
	}
	return mlx.Float32
}

// Quantisation implements nn.Quantised.
func (t ggufAffine) Quantisation() nn.Quantisation {
	return nn.Quantisation{GroupSize: t.form.GroupSize, Bits: t.form.Bits, Mode: "affine"}
}

// Layout implements nn.Placer.
func (t ggufAffine) Layout() nn.Layout {
	return nn.Layout{Nested: t.form.Nested, Centred: t.form.Centred}
}

func (t ggufAffine) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	a := &t.scratch.affine
	arrays, err := t.arrays(th, func(m gguf.TensorInfo, data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		if err := quant.Repack(m, data, a, append(opts, t.opts...)...); err != nil {
			return nil, err
		}
		if dtype == mlx.Float16 && slices.ContainsFunc(a.Biases, beyondHalf) {
			return nil, errors.New("a scale is beyond float16: load the model with dense weights")
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
	return nn.Packed{Quantisation: t.Quantisation(), Weight: arrays[0], Scales: arrays[1], Biases: arrays[2]}, nil
}

// Place implements nn.Placer.
func (t ggufAffine) Place(to nn.Room, lo, hi int) error {
	data, err := t.file.Data(t.info)
	if err != nil {
		return err
	}
	order, err := t.order()
	if err != nil {
		return err
	}
	opts := append(slices.Clip(t.opts), quant.WithRows(lo, hi), quant.WithWorkers(1))
	if order != nil {
		opts = append(opts, quant.WithRowOrder(order))
	}
	if to.HalfScales != nil {
		opts = append(opts, quant.WithHalfScales())
	}
	if to.NestedScales != nil || to.Biases == nil && to.HalfBiases == nil {
		opts = append(opts, quant.WithCompactScales())
	}
	a := quant.Affine{Weight: to.Words, Scales: to.Scales, Biases: to.Biases, HalfScales: to.HalfScales, HalfBiases: to.HalfBiases,
		NestedScales: to.NestedScales, NestedBiases: to.NestedBiases}
	if err := quant.Repack(t.info, data, &a, opts...); err != nil {
		return t.wrap(err)
	}
	return nil
}

// Placed implements nn.Placer.
func (t ggufAffine) Placed() error { return t.file.Release(t.info) }

// beyondHalf reports whether float16 would make v infinite.
func beyondHalf(v float32) bool { return v >= 65520 || v <= -65520 }

// ggufMXFP4 is a tensor that is stored as MLX's mode mxfp4 has it.
type ggufMXFP4 struct{ ggufTensor }

func (t ggufMXFP4) Quantisation() nn.Quantisation {
	return nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "mxfp4"}
}

func (t ggufMXFP4) Packed(th *mlx.Thread, _ mlx.Dtype) (nn.Packed, error) {
	x := &t.scratch.mxfp4
	arrays, err := t.arrays(th, func(m gguf.TensorInfo, data []byte, opts []quant.Option, rows int) ([]mlx.Array, error) {
		if err := quant.RepackMXFP4(m, data, x, opts...); err != nil {
			return nil, err
		}
		return inTurn(
			func() (mlx.Array, error) { return mlx.FromSlice(th, x.Weight, rows, x.Cols/8) },
			func() (mlx.Array, error) { return mlx.FromSlice(th, x.Scales, rows, x.Cols/32) })
	})
	if err != nil {
		return nn.Packed{}, err
	}
	return nn.Packed{Quantisation: t.Quantisation(), Weight: arrays[0], Scales: arrays[1]}, nil
}
