package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// Pair is one entry of the metadata.
type Pair struct {
	Key   string
	Value Value
}

// NewMetadata is metadata as a file of that name would have it. A key that is there twice has its last value.
func NewMetadata(name string, pairs []Pair) Metadata {
	m := Metadata{file: name, values: map[string]Value{}}
	for _, p := range pairs {
		if !m.Has(p.Key) {
			m.keys = append(m.keys, p.Key)
		}
		m.values[p.Key] = p.Value
	}
	return m
}

// Layout is a file that is to be written: version 3, little-endian.
type Layout struct {
	// Tensors have Offset and Size, in the order in which their bytes follow each other.
	Tensors []TensorInfo

	header []byte // with the padding before the data
	align  int64
}

// NewLayout places tensors, of which it takes Name, Type and Shape, in a new file, in their order, as the Python package
// gguf does. Metadata keeps its order. The alignment is general.alignment, a uint32, or 32.
func NewLayout(metadata []Pair, tensors []TensorInfo) (*Layout, error) {
	l := &Layout{Tensors: slices.Clone(tensors), align: defaultAlignment}
	b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(metadata)))
	b, err := l.appendMetadata(b, metadata)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	if b, err = l.appendTensors(b); err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	if len(b) > maxHeader || len(tensors) > maxEntries || len(metadata) > maxEntries {
		return nil, fmt.Errorf("gguf: a header of %d bytes for %d tensors and %d metadata keys is too large to be read again", len(b), len(tensors), len(metadata))
	}
	l.header = append(b, make([]byte, l.padding(int64(len(b))))...)
	for i := range l.Tensors {
		l.Tensors[i].Offset += int64(len(l.header))
	}
	return l, nil
}

// padding returns how many bytes follow n to the next tensor.
func (l *Layout) padding(n int64) int64 { return -n & (l.align - 1) }

func (l *Layout) appendMetadata(b []byte, metadata []Pair) ([]byte, error) {
	seen := map[string]bool{}
	for _, p := range metadata {
		switch {
		case seen[p.Key]:
			return nil, fmt.Errorf("metadata %q appears twice", p.Key)
		case len(p.Key) > maxName:
			return nil, fmt.Errorf("metadata key of %d bytes is longer than %d", len(p.Key), maxName)
		case p.Value.data == nil:
			return nil, fmt.Errorf("metadata %q has no value", p.Key)
		}
		seen[p.Key] = true
		if p.Key == "general.alignment" {
			if err := l.setAlignment(p.Value); err != nil {
				return nil, err
			}
		}
		b = binary.LittleEndian.AppendUint32(appendString(b, p.Key), uint32(p.Value.Kind))
		var err error
		if b, err = p.Value.append(b, 0); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", p.Key, err)
		}
	}
	return b, nil
}

func (l *Layout) setAlignment(v Value) error {
	a, ok := v.Any().(uint32)
	if !ok || bits.OnesCount32(a) != 1 || a > 1<<30 {
		return fmt.Errorf(`metadata "general.alignment": %v is no uint32 that is a power of two up to 2^30`, v.Any())
	}
	l.align = int64(a)
	return nil
}

// appendTensors writes the table of tensors and sets their offsets from the start of the data, and their sizes.
func (l *Layout) appendTensors(b []byte) ([]byte, error) {
	var end int64
	seen := map[string]bool{}
	for i := range l.Tensors {
		t := &l.Tensors[i]
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q appears twice", t.Name)
		}
		seen[t.Name] = true
		dims, err := newDims(*t)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		size, err := t.Type.size(dims)
		if err == nil && size > 1<<62-uint64(end) {
			err = fmt.Errorf("the file would be longer than 2^62 bytes")
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		t.Offset, t.Size = end, int64(size)
		b = binary.LittleEndian.AppendUint32(appendString(b, t.Name), uint32(len(dims)))
		for _, d := range dims {
			b = binary.LittleEndian.AppendUint64(b, d)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Type))
		b = binary.LittleEndian.AppendUint64(b, uint64(end))
		end += t.Size + l.padding(t.Size)
	}
	return b, nil
}

// newDims returns a tensor's dimensions in file order, and refuses what a reader would refuse.
func newDims(t TensorInfo) ([]uint64, error) {
	switch {
	case len(t.Name) > maxName:
		return nil, fmt.Errorf("the name is longer than %d bytes", maxName)
	case len(t.Shape) > maxDims:
		return nil, fmt.Errorf("%d dimensions, at most %d are possible", len(t.Shape), maxDims)
	}
	dims := make([]uint64, len(t.Shape))
	for i, d := range t.Shape {
		if d <= 0 {
			return nil, fmt.Errorf("dimension %d is %d, and GGUF has no empty tensors", i, d)
		}
		dims[len(dims)-1-i] = uint64(d)
	}
	return dims, nil
}

// Write writes the file: the header, and what data writes for each tensor, which must be its Size, in blocks of its
// type, row-major.
func (l *Layout) Write(w io.Writer, data func(w io.Writer, t TensorInfo) error) error {
	if _, err := w.Write(l.header); err != nil {
		return fmt.Errorf("gguf: header: %w", err)
	}
	zeros := make([]byte, l.padding(1))
	for _, t := range l.Tensors {
		c := &counter{w: w}
		if err := data(c, t); err != nil {
			return fmt.Errorf("gguf: tensor %q: %w", t.Name, err)
		}
		if c.n != t.Size {
			return fmt.Errorf("gguf: tensor %q: %d bytes were written, %s of shape %v takes %d", t.Name, c.n, t.Type, t.Shape, t.Size)
		}
		if _, err := w.Write(zeros[:l.padding(c.n)]); err != nil {
			return fmt.Errorf("gguf: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
