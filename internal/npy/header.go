// Package npy reads the headers of NumPy's .npy files and the contents of its .npz
// archives, in pure Go.
//
// The format is that of numpy.lib.format, versions 1 to 3. Everything is checked
// before memory is allocated for it.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

const (
	magic = "\x93NUMPY"
	// maxHeader bounds the text of a header. NumPy itself reads up to 10,000 bytes
	// of files that it does not trust.
	maxHeader = 1 << 16
	// maxDims is NumPy's own limit.
	maxDims = 64
)

// Header says what the bytes after it are.
type Header struct {
	// Kind and Size are those of NumPy's type strings: 'f' and 4 for "<f4". Kind is
	// one of b, i, u, f, c and V (V2 is a bfloat16).
	Kind byte
	Size int
	// BigEndian tells the order of an element's bytes.
	BigEndian bool
	// Fortran tells that the first dimension runs fastest.
	Fortran bool
	Shape   []int
	// Bytes is the size of the elements that follow, HeaderBytes what came before.
	Bytes, HeaderBytes int64
}

// ReadHeader reads a header and leaves r at the first element.
func ReadHeader(r io.Reader) (*Header, error) {
	var start [12]byte
	if err := readFull(r, start[:8]); err != nil {
		return nil, fmt.Errorf("magic: %w", err)
	}
	if string(start[:6]) != magic {
		return nil, fmt.Errorf("not a .npy file: it begins with %q", start[:6])
	}
	width := 2
	switch start[6] {
	case 1:
	case 2, 3:
		width = 4
	default:
		return nil, fmt.Errorf("version %d.%d is not supported (1 to 3 are)", start[6], start[7])
	}
	if err := readFull(r, start[8:8+width]); err != nil {
		return nil, fmt.Errorf("header length: %w", err)
	}
	n := binary.LittleEndian.Uint32(start[8:]) // the upper half of a short one is zero
	if n > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is longer than %d", n, maxHeader)
	}
	text := make([]byte, n)
	if err := readFull(r, text); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if start[6] == 3 && !utf8.Valid(text) {
		return nil, errors.New("header: not valid UTF-8")
	}
	h := &Header{HeaderBytes: 8 + int64(width) + int64(n)}
	if err := h.parse(string(text)); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// parse reads the text: a Python dictionary of three fixed keys.
func (h *Header) parse(text string) error {
	v, err := parseLiteral(text)
	if err != nil {
		return err
	}
	fields, ok := v.(dict)
	if !ok {
		return errors.New("it is no dictionary")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if _, ok := fields[key]; !ok {
			return fmt.Errorf("no %s", key)
		}
	}
	if len(fields) != 3 {
		return errors.New("other keys than descr, fortran_order and shape")
	}
	if h.Fortran, ok = fields["fortran_order"].(bool); !ok {
		return errors.New("fortran_order is neither True nor False")
	}
	if err := h.setShape(fields["shape"]); err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	if err := h.setDescr(fields["descr"]); err != nil {
		return fmt.Errorf("descr: %w", err)
	}
	return h.setBytes()
}

func (h *Header) setShape(v any) error {
	dims, ok := v.(tuple)
	if !ok {
		return errors.New("not a tuple")
	}
	if len(dims) > maxDims {
		return fmt.Errorf("%d dimensions, at most %d are possible", len(dims), maxDims)
	}
	h.Shape = make([]int, len(dims))
	for i, d := range dims {
		n, ok := d.(int)
		if !ok {
			return fmt.Errorf("dimension %d is no integer", i)
		}
		h.Shape[i] = n
	}
	return nil
}

// setDescr reads a type string such as "<f4".
func (h *Header) setDescr(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("structured types such as %v are not supported", v)
	}
	rest := text
	if rest != "" {
		switch rest[0] {
		case '>':
			h.BigEndian = true
			fallthrough
		case '<', '|', '=':
			rest = rest[1:]
		}
	}
	if len(rest) < 2 {
		return fmt.Errorf("%q is no type", text)
	}
	size, err := strconv.ParseUint(rest[1:], 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no type", text)
	}
	h.Kind, h.Size = rest[0], int(size)
	if !known[[2]int{int(h.Kind), h.Size}] {
		return fmt.Errorf("type %q is not supported", text)
	}
	return nil
}

// known are the types that arrays can have.
var known = map[[2]int]bool{
	{'b', 1}: true, {'u', 1}: true, {'u', 2}: true, {'u', 4}: true, {'u', 8}: true, {'i', 1}: true, {'i', 2}: true,
	{'i', 4}: true, {'i', 8}: true, {'f', 2}: true, {'f', 4}: true, {'f', 8}: true, {'c', 8}: true, {'V', 2}: true,
}

func (h *Header) setBytes() error {
	total := uint64(h.Size)
	for _, d := range h.Shape {
		hi, lo := bits.Mul64(total, uint64(d))
		if hi != 0 || lo > math.MaxInt64/2 {
			return fmt.Errorf("shape %v has more bytes than memory has addresses", h.Shape)
		}
		total = lo
	}
	h.Bytes = int64(total)
	return nil
}
