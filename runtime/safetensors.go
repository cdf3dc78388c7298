package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// SaveSafetensors evaluates arrays and writes them by name, with metadata, which
// may be nil, to a file. The file is there whole or not at all, and may be the
// one that the arrays are still to be read from. Its bytes are those that the
// package safetensors of Hugging Face writes.
func SaveSafetensors(t *Thread, path string, arrays map[string]Array, metadata map[string]string) error {
	return t.call("save_safetensors", func(e *engine) error {
		return atomicfile.Write(path, func(w io.Writer) error { return writeSafetensors(e, w, arrays, metadata) })
	})
}

// WriteSafetensors is SaveSafetensors to w. Arrays are evaluated one by one, as
// they are written.
func WriteSafetensors(t *Thread, w io.Writer, arrays map[string]Array, metadata map[string]string) error {
	return t.call("write_safetensors", func(e *engine) error { return writeSafetensors(e, w, arrays, metadata) })
}

func writeSafetensors(e *engine, w io.Writer, arrays map[string]Array, metadata map[string]string) error {
	tensors, err := describe(arrays)
	if err != nil {
		return err
	}
	h, err := safetensors.NewHeader(tensors, metadata)
	if err != nil {
		return err
	}
	if _, err := h.WriteTo(w); err != nil {
		return err
	}
	for _, info := range h.Tensors {
		if err := writeElements(e, w, arrays[info.Name]); err != nil {
			return fmt.Errorf("tensor %q: %w", info.Name, err)
		}
	}
	return nil
}

// writeElements writes the memory of an array.
func writeElements(e *engine, w io.Writer, a Array) error {
	held, memory, err := lendBytes(e, a)
	if err != nil {
		return err
	}
	defer held.Close()
	_, err = w.Write(memory)
	return err
}

// stored are the dtypes of the format for those of MLX.
var stored = map[Dtype]safetensors.DType{
	Bool: safetensors.Bool, Uint8: safetensors.U8, Uint16: safetensors.U16, Uint32: safetensors.U32, Uint64: safetensors.U64,
	Int8: safetensors.I8, Int16: safetensors.I16, Int32: safetensors.I32, Int64: safetensors.I64,
	Float16: safetensors.F16, BFloat16: safetensors.BF16, Float32: safetensors.F32, Float64: safetensors.F64, Complex64: safetensors.C64,
}

// describe lists arrays by name.
func describe(arrays map[string]Array) ([]safetensors.TensorInfo, error) {
	var out []safetensors.TensorInfo
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		dtype, shape, err := inspect(arrays[name])
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		out = append(out, safetensors.TensorInfo{Name: name, DType: stored[dtype], Shape: shape})
	}
	return out, nil
}

// inspect returns an array's dtype and shape.
func inspect(a Array) (Dtype, []int, error) {
	if a.IsNull() {
		return 0, nil, errNull
	}
	dtype, err := a.Dtype()
	if err != nil {
		return 0, nil, err
	}
	dims, err := a.Shape()
	return dtype, toInts(dims), err
}

// LoadSafetensors reads the header of a safetensors file, checks it, and returns
// the arrays and the metadata. The data is read when an array is evaluated: leave
// the file as it is until then (a new file under its name does no harm). The
// arrays are the caller's to close. Tensors of dtypes that MLX does not have are
// refused by name, but for F8_E4M3, which comes as uint8. A file with F64 is read
// at once.
func LoadSafetensors(t *Thread, path string) (map[string]Array, map[string]string, error) {
	var arrays map[string]Array
	var metadata map[string]string
	err := t.call("load_safetensors", func(e *engine) (err error) {
		arrays, metadata, err = loadSafetensors(e, path)
		return err
	})
	return arrays, metadata, err
}

func loadSafetensors(e *engine, path string) (map[string]Array, map[string]string, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if err := loadable(&f.Header, path); err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(f.Tensors, func(t safetensors.TensorInfo) bool { return t.DType == safetensors.F64 }) {
		return readSafetensorsFile(path)
	}
	return bindings.LoadSafetensors(path, e.cpu)
}

// loaded are the dtypes of MLX for those of the format.
var loaded = func() map[safetensors.DType]Dtype {
	out := map[safetensors.DType]Dtype{safetensors.F8E4M3: Uint8}
	for d, s := range stored {
		out[s] = d
	}
	return out
}()

// loadable refuses dtypes that MLX does not have.
func loadable(h *safetensors.Header, name string) error {
	for _, info := range h.Tensors {
		if _, ok := loaded[info.DType]; !ok {
			return fmt.Errorf("%s: tensor %q is %s, which MLX has no dtype for", name, info.Name, info.DType)
		}
	}
	return nil
}

func readSafetensorsFile(path string) (map[string]Array, map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readSafetensors(bufio.NewReaderSize(f, firstRead), path)
}

// ReadSafetensors reads a safetensors file from r, all of it and no more, and
// returns the arrays and the metadata. The arrays are the caller's to close. The
// header is checked before any data is read, and memory grows with what arrives.
func ReadSafetensors(t *Thread, r io.Reader) (map[string]Array, map[string]string, error) {
	var arrays map[string]Array
	var metadata map[string]string
	err := t.call("read_safetensors", func(*engine) (err error) {
		arrays, metadata, err = readSafetensors(r, "stream")
		return err
	})
	return arrays, metadata, err
}

func readSafetensors(r io.Reader, name string) (map[string]Array, map[string]string, error) {
	h, err := safetensors.ReadHeader(r, name)
	if err != nil {
		return nil, nil, err
	}
	if err := loadable(h, name); err != nil {
		return nil, nil, err
	}
	arrays := make(map[string]Array, len(h.Tensors))
	for _, info := range h.Tensors {
		a, err := readArray(r, loaded[info.DType], info.Shape)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: tensor %q: %w", name, info.Name, err), closeMap(arrays))
		}
		arrays[info.Name] = a
	}
	return arrays, h.Metadata, nil
}

// closeMap closes arrays by name.
func closeMap(arrays map[string]Array) error {
	return bindings.CloseAll(slices.Collect(maps.Values(arrays)))
}
