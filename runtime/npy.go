package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"forge.lthn.ai/core/go-mlx/internal/npy"
)

// LoadNPY reads the array of a NumPy .npy file, version 1, 2 or 3, in either order
// of bytes and of dimensions. Types that MLX lacks (structured ones, strings,
// dates, complex128) are refused by name; two bytes without a type, '<V2', are
// bfloat16, as NumPy stores that.
func LoadNPY(t *Thread, path string) (Array, error) {
	var a Array
	err := t.call("load_npy", func(*engine) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if a, err = readNPY(t, bufio.NewReaderSize(f, firstRead)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	return a, err
}

// ReadNPY is LoadNPY from r, of which it reads the array and no more.
func ReadNPY(t *Thread, r io.Reader) (Array, error) {
	var a Array
	err := t.call("read_npy", func(*engine) (err error) {
		a, err = readNPY(t, r)
		return err
	})
	return a, err
}

func readNPY(t *Thread, r io.Reader) (Array, error) {
	h, err := npy.ReadHeader(r)
	if err != nil {
		return Array{}, err
	}
	return readElements(t, h, r)
}

// npyDtypes are the dtypes for NumPy's kinds and sizes.
var npyDtypes = map[byte]map[int]Dtype{
	'b': {1: Bool},
	'u': {1: Uint8, 2: Uint16, 4: Uint32, 8: Uint64},
	'i': {1: Int8, 2: Int16, 4: Int32, 8: Int64},
	'f': {2: Float16, 4: Float32, 8: Float64},
	'c': {8: Complex64},
	'V': {2: BFloat16},
}

func readElements(t *Thread, h *npy.Header, r io.Reader) (Array, error) {
	shape := h.Shape
	if h.Fortran {
		shape = slices.Clone(shape)
		slices.Reverse(shape)
	}
	dims, _, err := elementsOf(shape)
	if err != nil {
		return Array{}, err
	}
	data, err := readExactly(r, int(h.Bytes))
	if err != nil {
		return Array{}, err
	}
	if h.BigEndian {
		swap(data, h)
	}
	a, err := arrayOfBytes(data, dims, npyDtypes[h.Kind][h.Size])
	if err != nil || !h.Fortran {
		return a, err
	}
	return t.Build(func(s *Scope) Array { return s.Transpose(s.Own(a, nil)) })
}

// swap turns the bytes of each number around; a complex one has two.
func swap(data []byte, h *npy.Header) {
	width := h.Size
	if h.Kind == 'c' {
		width /= 2
	}
	for number := range slices.Chunk(data, width) {
		slices.Reverse(number)
	}
}

// NPZOption changes what LoadNPZ accepts.
type NPZOption func(*int64)

// WithMaxBytes sets the most bytes that the arrays of an archive may have. Without
// it that is 1 GiB, or 16 times the file's size if that is more.
func WithMaxBytes(n int64) NPZOption { return func(limit *int64) { *limit = n } }

// LoadNPZ reads the arrays of a NumPy .npz archive by name; they are the caller's
// to close. Archives whose entries overlap, lie about their size or unpack to too
// much are refused before anything is unpacked.
func LoadNPZ(t *Thread, path string, opts ...NPZOption) (map[string]Array, error) {
	var arrays map[string]Array
	err := t.call("load_npz", func(*engine) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		stat, err := f.Stat()
		if err != nil {
			return err
		}
		if arrays, err = readNPZ(t, f, stat.Size(), opts); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	return arrays, err
}

// ReadNPZ is LoadNPZ from size bytes behind r.
func ReadNPZ(t *Thread, r io.ReaderAt, size int64, opts ...NPZOption) (map[string]Array, error) {
	var arrays map[string]Array
	err := t.call("read_npz", func(*engine) (err error) {
		arrays, err = readNPZ(t, r, size, opts)
		return err
	})
	return arrays, err
}

func readNPZ(t *Thread, r io.ReaderAt, size int64, opts []NPZOption) (map[string]Array, error) {
	limit := max(1<<30, 16*size)
	for _, o := range opts {
		o(&limit)
	}
	archive, err := npy.OpenArchive(r, size, limit)
	if err != nil {
		return nil, err
	}
	arrays := map[string]Array{}
	err = archive.Each(func(name string, h *npy.Header, elements io.Reader) error {
		a, err := readElements(t, h, elements)
		if err == nil {
			arrays[name] = a
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, closeMap(arrays))
	}
	return arrays, nil
}
