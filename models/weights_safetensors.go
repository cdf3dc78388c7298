package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// shards is a checkpoint in safetensors files: one, or those of an index.
type shards struct {
	tensors map[string]shardTensor
	close   []func() error
	quant   quantConfig
}

// shardTensor is one stored tensor and the file that holds it.
type shardTensor struct {
	safetensors.TensorInfo
	file *safetensors.File
}

// openShards opens the weights of a Hugging Face folder.
func openShards(dir string, quant quantConfig) (*shards, error) {
	w := &shards{tensors: map[string]shardTensor{}, quant: quant}
	if _, err := os.Stat(filepath.Join(dir, safetensors.IndexName)); err == nil {
		return w, w.openIndex(dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "model*.safetensors"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no weights: neither model*.safetensors nor %s: %w", dir, safetensors.IndexName, fs.ErrNotExist)
	}
	for _, path := range files {
		f, err := safetensors.Open(path)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.close = append(w.close, f.Close)
		for _, t := range f.Tensors {
			w.tensors[t.Name] = shardTensor{t, f}
		}
	}
	return w, nil
}

func (w *shards) openIndex(dir string) error {
	x, err := safetensors.OpenIndex(dir, safetensors.IgnoreTotalSize())
	if err != nil {
		return err
	}
	w.close = append(w.close, x.Close)
	for _, name := range x.Tensors {
		if info, file, ok := x.Tensor(name); ok {
			w.tensors[name] = shardTensor{info, file}
		}
	}
	return nil
}

// Close closes the files.
func (w *shards) Close() error {
	var errs []error
	for _, c := range w.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// Names lists the logical weights: the scales and biases of a quantised weight
// are part of it.
func (w *shards) Names() []string {
	var names []string
	for name := range w.tensors {
		base, part, _ := cutLast(name, ".")
		if part == "scales" || part == "biases" {
			if _, ok := w.tensors[base+".weight"]; ok {
				continue
			}
		}
		if strings.HasSuffix(name, "rotary_emb.inv_freq") {
			continue // old checkpoints store what the config says already
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// Tensor implements nn.Weights.
func (w *shards) Tensor(name string) nn.Tensor {
	t, ok := w.tensors[name]
	if !ok {
		return nil
	}
	base, _, _ := cutLast(name, ".")
	scales, ok := w.tensors[base+".scales"]
	if !ok {
		return denseTensor{t}
	}
	biases, hasBiases := w.tensors[base+".biases"]
	q := &packedTensor{weight: t, scales: scales, q: w.quant.of(base)}
	if hasBiases {
		q.biases = &biases
	}
	return q
}

// dtypes maps the floating-point dtypes of the format to MLX's.
var dtypes = map[safetensors.DType]mlx.Dtype{
	safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16, safetensors.F32: mlx.Float32,
	safetensors.U32: mlx.Uint32, safetensors.U8: mlx.Uint8,
}

// read copies a stored tensor into an array, in its own dtype.
func (t shardTensor) read(th *mlx.Thread) (mlx.Array, error) {
	dtype, ok := dtypes[t.DType]
	if !ok {
		return mlx.Array{}, fmt.Errorf("%s: tensor %s is %s, which no model reads", t.file.Name(), t.Name, t.DType)
	}
	data, err := t.file.Data(t.TensorInfo)
	if err != nil {
		return mlx.Array{}, err
	}
	return mlx.FromBytes(th, dtype, data, t.Shape...)
}

// readAs is read, converted to dtype and evaluated.
func (t shardTensor) readAs(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	a, err := t.read(th)
	if err != nil || dtypes[t.DType] == dtype {
		return a, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array { return s.AsType(s.Own(a, nil), dtype) })
}

// evaluated builds an array and computes it.
func evaluated(t *mlx.Thread, fn func(s *mlx.Scope) mlx.Array) (mlx.Array, error) {
	a, err := t.Build(fn)
	if err != nil {
		return mlx.Array{}, err
	}
	if err := t.Eval(a); err != nil {
		return mlx.Array{}, errors.Join(err, a.Close())
	}
	return a, nil
}

// denseTensor is a weight that is stored as numbers.
type denseTensor struct{ shardTensor }

func (t denseTensor) Shape() []int { return t.TensorInfo.Shape }

func (t denseTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	switch t.DType {
	case safetensors.F16, safetensors.BF16, safetensors.F32:
		return t.readAs(th, dtype)
	}
	return mlx.Array{}, fmt.Errorf("%s: tensor %s is %s, want F16, BF16 or F32", t.file.Name(), t.Name, t.DType)
}

// packedTensor is a weight in MLX's quantised form: words, scales and biases.
type packedTensor struct {
	weight, scales shardTensor
	biases         *shardTensor
	q              nn.Quantisation
}

// Shape is that of the weight once unpacked.
func (p *packedTensor) Shape() []int {
	shape := slices.Clone(p.weight.Shape)
	if n := len(shape); n > 0 && p.q.Bits > 0 {
		shape[n-1] = shape[n-1] * 32 / p.q.Bits
	}
	return shape
}

func (p *packedTensor) Quantisation() nn.Quantisation { return p.q }

func (p *packedTensor) Packed(th *mlx.Thread, dtype mlx.Dtype) (nn.Packed, error) {
	out := nn.Packed{Quantisation: p.q}
	if err := p.check(); err != nil {
		return out, err
	}
	var errs [3]error
	out.Weight, errs[0] = p.weight.read(th)
	out.Scales, errs[1] = p.scales.readAs(th, dtype)
	if p.biases != nil {
		out.Biases, errs[2] = p.biases.readAs(th, dtype)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nn.Packed{}, errors.Join(err, mlx.CloseAll(out.Weight, out.Scales, out.Biases))
	}
	return out, nil
}

// check compares the parts' shapes before anything is read.
func (p *packedTensor) check() error {
	if p.q.Mode != "affine" {
		return fmt.Errorf("%s: tensor %s: quantization mode %q is not supported", p.weight.file.Name(), p.weight.Name, p.q.Mode)
	}
	if p.biases == nil {
		return fmt.Errorf("%s: tensor %s has scales but no biases", p.weight.file.Name(), p.weight.Name)
	}
	want := p.Shape()
	if len(want) == 2 && p.weight.DType == safetensors.U32 && want[1]%p.q.GroupSize == 0 {
		groups := []int{want[0], want[1] / p.q.GroupSize}
		if slices.Equal(p.scales.Shape, groups) && slices.Equal(p.biases.Shape, groups) {
			return nil
		}
	}
	return fmt.Errorf("%s: tensor %s %v with scales %v does not fit %d bits in groups of %d",
		p.weight.file.Name(), p.weight.Name, p.weight.Shape, p.scales.Shape, p.q.Bits, p.q.GroupSize)
}

// Dense unpacks in the given dtype.
func (p *packedTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	packed, err := p.Packed(th, dtype)
	if err != nil {
		return mlx.Array{}, err
	}
	return evaluated(th, func(s *mlx.Scope) mlx.Array {
		return s.Dequantize(s.Own(packed.Weight, nil), s.Own(packed.Scales, nil), s.Own(packed.Biases, nil),
			mlx.SomeInt(p.q.GroupSize), mlx.SomeInt(p.q.Bits), p.q.Mode, mlx.Array{}, mlx.OptionalDtype{})
	})
}
