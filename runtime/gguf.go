package runtime

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// plain are the dtypes that GGUF stores as they are.
var plain = map[Dtype]gguf.Type{
	Float32: gguf.TypeF32, Float16: gguf.TypeF16, BFloat16: gguf.TypeBF16, Float64: gguf.TypeF64,
	Int8: gguf.TypeI8, Int16: gguf.TypeI16, Int32: gguf.TypeI32, Int64: gguf.TypeI64,
}

// SaveGGUF evaluates arrays and writes them by name, with metadata, to a GGUF file,
// which is there whole or not at all. Metadata values are uint8 ... uint64, int8 ...
// int64, float32, float64, bool, string or slices of these; nil is none. Dtypes
// that GGUF lacks (bool, the unsigned integers, complex64), arrays without
// elements and those of more than four dimensions are refused by name.
func SaveGGUF(t *Thread, path string, arrays map[string]Array, metadata map[string]any) error {
	return t.call("save_gguf", func(e *engine) error {
		return atomicfile.Write(path, func(w io.Writer) error { return writeGGUF(e, w, arrays, metadata) })
	})
}

// WriteGGUF is SaveGGUF to w. Arrays are evaluated one by one, as they are
// written.
func WriteGGUF(t *Thread, w io.Writer, arrays map[string]Array, metadata map[string]any) error {
	return t.call("write_gguf", func(e *engine) error { return writeGGUF(e, w, arrays, metadata) })
}

func writeGGUF(e *engine, w io.Writer, arrays map[string]Array, metadata map[string]any) error {
	pairs, err := ggufPairs(metadata)
	if err != nil {
		return err
	}
	tensors, err := ggufTensors(arrays)
	if err != nil {
		return err
	}
	l, err := gguf.NewLayout(pairs, tensors)
	if err != nil {
		return err
	}
	return l.Write(w, func(w io.Writer, info gguf.TensorInfo) error { return writeElements(e, w, arrays[info.Name]) })
}

// ggufPairs sorts metadata, general.architecture first as the format asks for.
func ggufPairs(metadata map[string]any) ([]gguf.Pair, error) {
	const first = "general.architecture"
	keys := slices.SortedFunc(maps.Keys(metadata), func(a, b string) int {
		switch first {
		case a:
			return -1
		case b:
			return 1
		}
		return strings.Compare(a, b)
	})
	var pairs []gguf.Pair
	for _, k := range keys {
		v, err := gguf.NewValue(metadata[k])
		if err != nil {
			return nil, fmt.Errorf("metadata %q: %w", k, err)
		}
		pairs = append(pairs, gguf.Pair{Key: k, Value: v})
	}
	return pairs, nil
}

func ggufTensors(arrays map[string]Array) ([]gguf.TensorInfo, error) {
	var out []gguf.TensorInfo
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		dtype, shape, err := inspect(arrays[name])
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		kind, ok := plain[dtype]
		if !ok {
			return nil, fmt.Errorf("tensor %q is %v, which GGUF has no type for", name, dtype)
		}
		out = append(out, gguf.TensorInfo{Name: name, Type: kind, Shape: shape})
	}
	return out, nil
}

// LoadGGUF reads a GGUF file: its arrays, which are the caller's to close, and its
// metadata, as SaveGGUF takes it (arrays of arrays come as []gguf.Value).
//
// Types of plain numbers keep their dtype. Quantised types that MLX's affine form
// holds exactly come as mx.load gives them: x.weight of packed words, x.scales and
// x.biases as float16, in groups of 32. Others that this library knows are
// expanded to float16; the rest are refused by name.
func LoadGGUF(t *Thread, path string) (map[string]Array, map[string]any, error) {
	var arrays map[string]Array
	var metadata map[string]any
	err := t.call("load_gguf", func(*engine) (err error) {
		arrays, metadata, err = loadGGUF(t, path)
		return err
	})
	return arrays, metadata, err
}

// ReadGGUF is LoadGGUF from r, by way of a temporary file.
func ReadGGUF(t *Thread, r io.Reader) (map[string]Array, map[string]any, error) {
	var arrays map[string]Array
	var metadata map[string]any
	err := t.call("read_gguf", func(*engine) error {
		return spooled(r, "*.gguf", func(path string) (err error) {
			arrays, metadata, err = loadGGUF(t, path)
			return err
		})
	})
	return arrays, metadata, err
}

// spooled hands f what r holds as a file that is gone afterwards.
func spooled(r io.Reader, pattern string, f func(path string) error) (err error) {
	file, err := os.CreateTemp("", pattern)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, r)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return f(file.Name())
}

func loadGGUF(t *Thread, path string) (map[string]Array, map[string]any, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	arrays := map[string]Array{}
	for _, info := range f.Tensors {
		if err := loadGGUFTensor(t, f, info, arrays); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: tensor %q: %w", path, info.Name, err), closeMap(arrays))
		}
	}
	metadata := map[string]any{}
	for k, v := range f.All() {
		metadata[k] = v.Any()
	}
	return arrays, metadata, nil
}

// loadGGUFTensor adds the arrays of one tensor.
func loadGGUFTensor(t *Thread, f *gguf.File, info gguf.TensorInfo, arrays map[string]Array) error {
	data, err := f.Data(info)
	if err != nil {
		return err
	}
	for dtype, kind := range plain {
		if kind == info.Type {
			return put(arrays, info.Name)(FromBytes(t, dtype, data, info.Shape...))
		}
	}
	if form, ok := quant.FormOf(info.Type); !ok || !form.Half || len(info.Shape) == 0 {
		return expandGGUF(t, info, data, arrays)
	}
	var a quant.Affine
	if err := quant.Repack(info, data, &a, quant.WithHalfScales()); err != nil {
		return err
	}
	base := strings.TrimSuffix(info.Name, ".weight")
	row := slices.Clone(info.Shape)
	last := len(row) - 1
	row[last] = a.Cols * a.Bits / 32
	if err := put(arrays, info.Name)(FromSlice(t, a.Weight, row...)); err != nil {
		return err
	}
	row[last] = a.Cols / a.GroupSize
	if err := put(arrays, base+".scales")(FromSlice(t, sameBits[F16](a.HalfScales), row...)); err != nil {
		return err
	}
	return put(arrays, base+".biases")(FromSlice(t, sameBits[F16](a.HalfBiases), row...))
}

// expandGGUF adds a quantised tensor as float16.
func expandGGUF(t *Thread, info gguf.TensorInfo, data []byte, arrays map[string]Array) error {
	wide := make([]float32, info.Elements())
	if err := quant.Dequantize(info, data, wide); err != nil {
		return err
	}
	return put(arrays, info.Name)(FromSlice(t, mapped(wide, ToF16), info.Shape...))
}

// put adds what a constructor returned, under a name that is free.
func put(arrays map[string]Array, name string) func(Array, error) error {
	return func(a Array, err error) error {
		if err != nil {
			return err
		}
		if _, taken := arrays[name]; taken {
			return errors.Join(fmt.Errorf("its part %q is a tensor of the file too", name), a.Close())
		}
		arrays[name] = a
		return nil
	}
}
