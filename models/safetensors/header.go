package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHeader is the format's own limit for the JSON header.
const maxHeader = 100_000_000

// TensorInfo describes one tensor of a file.
type TensorInfo struct {
	// Name is the tensor's name, such as "model.norm.weight".
	Name string
	// DType says how elements are stored; numbers are little-endian.
	DType DType
	// Shape is row-major. A tensor without dimensions is a scalar; a dimension may be 0.
	Shape []int
	// Offset is where the tensor's bytes begin, from the start of the file.
	Offset int64
	// Size is the number of bytes.
	Size int64
}

// Header is what stands before the data of a file.
type Header struct {
	// Tensors lists the tensors by offset.
	Tensors []TensorInfo
	// Metadata is the free-form part, nil where there is none.
	Metadata map[string]string

	index map[string]int
	raw   []byte // what WriteTo writes
}

// Tensor returns the tensor of that name.
func (h *Header) Tensor(name string) (TensorInfo, bool) {
	i, ok := h.index[name]
	if !ok {
		return TensorInfo{}, false
	}
	return h.Tensors[i], true
}

// ParseHeader reads and checks the header of a safetensors file of size bytes behind r. The name stands in every
// error.
func ParseHeader(r io.ReaderAt, size int64, name string) (*Header, error) {
	h := &Header{}
	if err := h.read(r, size); err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	return h, nil
}

func (h *Header) read(r io.ReaderAt, size int64) error {
	raw, err := readHeader(r, size)
	if err != nil {
		return err
	}
	if err := h.parse(raw); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return h.place(8+int64(len(raw)), size)
}

// readHeader returns the JSON.
func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	switch {
	case size < 0:
		return nil, fmt.Errorf("negative size %d", size)
	case size == 0:
		return nil, errors.New("the file is empty")
	case size < 8:
		return nil, fmt.Errorf("not a safetensors file: %d bytes are too short", size)
	}
	var length [8]byte
	if err := readFull(r, length[:], 0); err != nil {
		return nil, fmt.Errorf("header length: %w", err)
	}
	n, err := headerSize(length)
	if err != nil {
		return nil, err
	}
	if n > size-8 {
		return nil, fmt.Errorf("the header of %d bytes is longer than the rest of the file (%d bytes)", n, size-8)
	}
	raw := make([]byte, n)
	if err := readFull(r, raw, 8); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return raw, checkText(raw)
}

func headerSize(length [8]byte) (int64, error) {
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return 0, fmt.Errorf("not a safetensors file: a header of %d bytes is more than the format allows (%d)", n, maxHeader)
	}
	return int64(n), nil
}

func checkText(raw []byte) error {
	if len(raw) == 0 || raw[0] != '{' {
		return errors.New("not a safetensors file: the header does not begin with {")
	}
	if !utf8.Valid(raw) {
		return errors.New("header: not valid UTF-8")
	}
	return nil
}

func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read at offset %d: %w", off+int64(n), err)
}

// unknown is the size of a stream.
const unknown = -1

// ReadHeader reads and checks the header of a safetensors file that comes as a stream, and leaves r at the first byte
// of the data, which ends with the last tensor. The name stands in every error.
func ReadHeader(r io.Reader, name string) (*Header, error) {
	h := &Header{}
	if err := h.readStream(r); err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	return h, nil
}

func (h *Header) readStream(r io.Reader) error {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return fmt.Errorf("header length: %w", err)
	}
	n, err := headerSize(length)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(r, n)) // grows with what arrives
	if err == nil && int64(len(raw)) < n {
		err = fmt.Errorf("%d of %d bytes: %w", len(raw), n, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if err := checkText(raw); err != nil {
		return err
	}
	if err := h.parse(raw); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return h.place(8+n, unknown)
}

// place sorts the tensors, makes offsets absolute and demands that ranges follow each other from the first byte of
// the data to the last.
func (h *Header) place(start, size int64) error {
	slices.SortFunc(h.Tensors, func(a, b TensorInfo) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size), strings.Compare(a.Name, b.Name))
	})
	h.index = make(map[string]int, len(h.Tensors))
	end, room := int64(0), size-start
	if size == unknown {
		room = math.MaxInt64 - start
	}
	for i := range h.Tensors {
		t := &h.Tensors[i]
		switch {
		case t.Size > room || t.Offset > room-t.Size:
			return fmt.Errorf("tensor %q: %d bytes at offset %d are beyond the end of the data (%d bytes)", t.Name, t.Size, t.Offset, room)
		case t.Offset < end:
			return fmt.Errorf("tensors %q and %q overlap at offset %d of the data", h.Tensors[i-1].Name, t.Name, t.Offset)
		case t.Offset > end:
			return fmt.Errorf("tensor %q: %d bytes before offset %d of the data belong to no tensor", t.Name, t.Offset-end, t.Offset)
		}
		end = t.Offset + t.Size
		t.Offset += start
		h.index[t.Name] = i
	}
	if end != room && size != unknown {
		return fmt.Errorf("%d bytes at the end of the file belong to no tensor", room-end)
	}
	return nil
}
