package gguf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// maxDims is ggml's own limit.
const maxDims = 4

// TensorInfo describes one tensor of a file.
type TensorInfo struct {
	// Name is the tensor's name, such as "blk.0.attn_q.weight".
	Name string
	// Type says how elements are stored.
	Type Type
	// Shape has the slowest dimension first, the reverse of the file's order: [rows, columns] for a matrix.
	Shape []int
	// Offset is where the tensor's bytes begin, from the start of the file.
	Offset int64
	// Size is the number of bytes.
	Size int64
}

// Elements returns the number of elements, 1 for a tensor without dimensions.
func (t TensorInfo) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// readTensors reads the tensor table and checks every tensor's place in the file.
func (f *File) readTensors(c *cursor, n int) error {
	f.Tensors = make([]TensorInfo, 0, n)
	f.index = make(map[string]int, n)
	for i := range n {
		name, err := c.str(maxName)
		if err != nil {
			return fmt.Errorf("name of tensor %d: %w", i, err)
		}
		if _, twice := f.index[name]; twice {
			return fmt.Errorf("tensor %q appears twice", name)
		}
		info, err := readTensor(c)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		info.Name = name
		f.index[name] = i
		f.Tensors = append(f.Tensors, info)
	}
	return f.place(c)
}

// readTensor reads what follows a tensor's name. Its offset is still relative to the start of the data.
func readTensor(c *cursor) (TensorInfo, error) {
	dims, err := readDims(c)
	if err != nil {
		return TensorInfo{}, err
	}
	code, err := c.u32()
	if err != nil {
		return TensorInfo{}, fmt.Errorf("type: %w", err)
	}
	offset, err := c.u64()
	if err != nil {
		return TensorInfo{}, fmt.Errorf("offset: %w", err)
	}
	size, err := Type(code).size(dims)
	if err != nil {
		return TensorInfo{}, err
	}
	if size > c.left() || offset > c.left()-size {
		return TensorInfo{}, fmt.Errorf("%d bytes at offset %d of the data are beyond the end of the file (%d bytes left)", size, offset, c.left())
	}
	info := TensorInfo{Type: Type(code), Shape: make([]int, len(dims)), Offset: int64(offset), Size: int64(size)}
	for i, d := range dims {
		info.Shape[len(dims)-1-i] = int(d)
	}
	return info, nil
}

func readDims(c *cursor) ([]uint64, error) {
	n, err := c.u32()
	if err != nil {
		return nil, fmt.Errorf("number of dimensions: %w", err)
	}
	if n > maxDims {
		return nil, fmt.Errorf("%d dimensions, at most %d are possible", n, maxDims)
	}
	dims := make([]uint64, n)
	for i := range dims {
		if dims[i], err = c.u64(); err != nil {
			return nil, fmt.Errorf("dimension %d: %w", i, err)
		}
		if dims[i] == 0 || dims[i] > math.MaxInt {
			return nil, fmt.Errorf("dimension %d is %d", i, dims[i])
		}
	}
	return dims, nil
}

// place makes offsets absolute and refuses tensors that are misaligned, outside the file or over one another.
func (f *File) place(c *cursor) error {
	if len(f.Tensors) == 0 {
		return nil
	}
	align := uint64(f.Alignment)
	start := (c.pos + align - 1) &^ (align - 1)
	if start > c.size {
		return fmt.Errorf("the data would begin at %d, beyond the end of the file (%d bytes)", start, c.size)
	}
	order := make([]*TensorInfo, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		order[i] = t
		offset, room := uint64(t.Offset), c.size-start
		if offset%align != 0 {
			return fmt.Errorf("tensor %q: offset %d is not a multiple of the alignment %d", t.Name, offset, align)
		}
		if size := uint64(t.Size); size > room || offset > room-size {
			return fmt.Errorf("tensor %q: %d bytes at offset %d are beyond the end of the data (%d bytes)", t.Name, size, offset, room)
		}
		t.Offset = int64(start + offset)
	}
	slices.SortFunc(order, func(a, b *TensorInfo) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, t := range order[1:] {
		if before := order[i]; before.Offset+before.Size > t.Offset {
			return fmt.Errorf("tensors %q and %q overlap at offset %d", before.Name, t.Name, t.Offset)
		}
	}
	return nil
}
