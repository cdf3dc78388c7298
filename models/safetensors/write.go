package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// order is that of the dtypes, those with narrow elements first, as the reference implementation has it.
var order = []DType{
	Bool, F4, F6E2M3, F6E3M2, U8, I8, F8E5M2, F8E4M3, F8E8M0, F8E4M3FNUZ, F8E5M2FNUZ,
	I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64,
}

// NewHeader places tensors, of which it takes Name, DType and Shape, in a new file. Like the reference implementation
// it puts wide elements first, then goes by name, so that data is aligned and equal tensors make equal files. The
// result's Tensors have Offset and Size, in the order in which their bytes follow the header.
func NewHeader(tensors []TensorInfo, metadata map[string]string) (*Header, error) {
	h := &Header{Tensors: slices.Clone(tensors), Metadata: metadata, index: make(map[string]int, len(tensors))}
	slices.SortFunc(h.Tensors, func(a, b TensorInfo) int {
		return cmp.Or(-cmp.Compare(slices.Index(order, a.DType), slices.Index(order, b.DType)), strings.Compare(a.Name, b.Name))
	})
	for k, v := range metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, fmt.Errorf("safetensors: metadata %q: not valid UTF-8", k)
		}
	}
	var end int64
	for i := range h.Tensors {
		t := &h.Tensors[i]
		if err := h.checkNew(t); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		if t.Size > math.MaxInt64-maxHeader-8-end {
			return nil, fmt.Errorf("safetensors: tensor %q: the file would be longer than 2^63 bytes", t.Name)
		}
		h.index[t.Name] = i
		t.Offset = end
		end += t.Size
	}
	raw, err := h.encode()
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	h.raw = raw
	for i := range h.Tensors {
		h.Tensors[i].Offset += int64(len(raw))
	}
	return h, nil
}

// checkNew refuses what a reader would refuse, and sets the size.
func (h *Header) checkNew(t *TensorInfo) error {
	if _, twice := h.index[t.Name]; twice {
		return fmt.Errorf("the name appears twice")
	}
	if t.Name == "__metadata__" || !utf8.ValidString(t.Name) {
		return fmt.Errorf("the format does not allow this name")
	}
	if len(t.Shape) > maxDims {
		return fmt.Errorf("shape: %d dimensions, at most %d are possible", len(t.Shape), maxDims)
	}
	for i, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("shape: dimension %d is %d", i, d)
		}
	}
	size, err := t.DType.size(t.Shape)
	if err == nil && size > math.MaxInt64 {
		err = fmt.Errorf("shape %v of %s takes more than 2^63 bytes", t.Shape, t.DType)
	}
	t.Size = int64(size)
	return err
}

// encode returns the header as it stands in the file, its length included. It is padded to a multiple of 8 bytes.
func (h *Header) encode() ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 8))
	b.WriteByte('{')
	if h.Metadata != nil {
		b.WriteString(`"__metadata__":`)
		if err := writeJSON(b, h.Metadata); err != nil {
			return nil, err
		}
	}
	for i, t := range h.Tensors {
		if i > 0 || h.Metadata != nil {
			b.WriteByte(',')
		}
		if err := writeJSON(b, t.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		err := writeJSON(b, struct {
			DType   DType    `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int64{t.Offset, t.Offset + t.Size}})
		if err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	raw := b.Bytes()
	if len(raw)-8 > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is more than the format allows (%d)", len(raw)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(raw, uint64(len(raw)-8))
	return raw, nil
}

// writeJSON writes a value with as few escapes as JSON needs.
func writeJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder's line feed
	return nil
}

// WriteTo writes the length and the header that NewHeader made; the tensors' bytes are to follow, in order.
func (h *Header) WriteTo(w io.Writer) (int64, error) {
	if h.raw == nil {
		return 0, fmt.Errorf("safetensors: the header was read, not made by NewHeader")
	}
	n, err := w.Write(h.raw)
	if err != nil {
		err = fmt.Errorf("safetensors: header: %w", err)
	}
	return int64(n), err
}
