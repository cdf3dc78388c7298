package models

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	tensors map[string]nn.Tensor
	close   []func() error
}

// openShards opens the weights of a Hugging Face folder.
func openShards(dir string, quant quantConfig) (*shards, error) {
	w := &shards{}
	stored, err := w.open(dir)
	if err == nil {
		w.tensors, err = quant.collect(stored)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// open opens the files.
func (w *shards) open(dir string) (storedTensors, error) {
	if _, err := os.Stat(filepath.Join(dir, safetensors.IndexName)); err == nil {
		return w.openIndex(dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "model*.safetensors"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no weights: neither model*.safetensors nor %s: %w", dir, safetensors.IndexName, fs.ErrNotExist)
	}
	return w.openFiles(files...)
}

func (w *shards) openFiles(files ...string) (storedTensors, error) {
	stored := storedTensors{}
	for _, path := range files {
		f, err := safetensors.Open(path)
		if err != nil {
			return nil, err
		}
		w.close = append(w.close, f.Close)
		for _, t := range f.Tensors {
			stored[t.Name] = storedTensor{t, f}
		}
	}
	return stored, nil
}

func (w *shards) openIndex(dir string) (storedTensors, error) {
	x, err := safetensors.OpenIndex(dir, safetensors.IgnoreTotalSize())
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, x.Close)
	stored := storedTensors{}
	for _, name := range x.Tensors {
		if info, file, ok := x.Tensor(name); ok {
			stored[name] = storedTensor{info, file}
		}
	}
	return stored, nil
}

// Close closes the files.
func (w *shards) Close() error {
	var errs []error
	for _, c := range w.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// Names lists the logical weights: the parts of a quantised one are one.
func (w *shards) Names() []string {
	var names []string
	for name := range w.tensors {
		if strings.HasSuffix(name, "rotary_emb.inv_freq") {
			continue // old checkpoints store what the config says already
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Tensor implements nn.Weights.
func (w *shards) Tensor(name string) nn.Tensor { return w.tensors[name] }

// storedTensors are those of the files, by name.
type storedTensors map[string]storedTensor

// ending lists, in order, the tensors whose names end with suffix, without it.
func (s storedTensors) ending(suffix string) []string {
	var bases []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			bases = append(bases, base)
		}
	}
	return bases
}

// take removes a tensor. It is nil when there is none.
func (s storedTensors) take(name string) *storedTensor {
	t, ok := s[name]
	if !ok {
		return nil
	}
	delete(s, name)
	return &t
}

// has tells whether all of them are there.
func (s storedTensors) has(names ...string) bool {
	for _, n := range names {
		if _, ok := s[n]; !ok {
			return false
		}
	}
	return true
}

// storedTensor is one stored tensor and the file that holds it.
type storedTensor struct {
	safetensors.TensorInfo
	file *safetensors.File
}

// dtypes maps dtypes of the format to those that MLX reads them as.
var dtypes = map[safetensors.DType]mlx.Dtype{
	safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16, safetensors.F32: mlx.Float32,
	safetensors.U32: mlx.Uint32, safetensors.U8: mlx.Uint8, safetensors.F8E4M3: mlx.Uint8,
}

// errorf names the file and the tensor.
func (t *storedTensor) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: tensor %s: %s", t.file.Name(), t.Name, fmt.Sprintf(format, args...))
}

// wants checks the dtype and, where it is given, the shape.
func (t *storedTensor) wants(shape []int, any ...safetensors.DType) error {
	if !slices.Contains(any, t.DType) {
		var names []string
		for _, d := range any {
			names = append(names, string(d))
		}
		return t.errorf("dtype %s, want %s", t.DType, strings.Join(names, " or "))
	}
	if shape != nil && !slices.Equal(t.Shape, shape) {
		return t.errorf("shape %v, want %v", t.Shape, shape)
	}
	return nil
}

// read copies the tensor into an array, in its own dtype.
func (t *storedTensor) read(th *mlx.Thread) (mlx.Array, error) {
	return t.readBits(th, dtypes[t.DType], t.Shape...)
}

// readBits is read with the bytes taken for another dtype and shape.
func (t *storedTensor) readBits(th *mlx.Thread, dtype mlx.Dtype, shape ...int) (mlx.Array, error) {
	data, err := t.file.Data(t.TensorInfo)
	if err != nil {
		return mlx.Array{}, err
	}
	return mlx.FromBytes(th, dtype, data, shape...)
}

// readAs is read, converted to dtype and evaluated.
func (t *storedTensor) readAs(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
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

// floats are the dtypes of weights that are stored as numbers.
var floats = []safetensors.DType{safetensors.F16, safetensors.BF16, safetensors.F32}

// denseTensor is a weight that is stored as numbers.
type denseTensor struct{ storedTensor }

func (t denseTensor) Shape() []int { return t.TensorInfo.Shape }

// StoredDtype implements nn.Stored.
func (t denseTensor) StoredDtype() mlx.Dtype { return dtypes[t.DType] }

// ExactDtype implements nn.Exact.
func (t denseTensor) ExactDtype() mlx.Dtype { return dtypes[t.DType] }

func (t denseTensor) Check() error { return t.wants(nil, floats...) }

func (t denseTensor) Dense(th *mlx.Thread, dtype mlx.Dtype) (mlx.Array, error) {
	if err := t.Check(); err != nil {
		return mlx.Array{}, err
	}
	return t.readAs(th, dtype)
}
