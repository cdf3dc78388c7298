package runtime

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/mmap"
)

// Mapping is a file in memory that arrays are made over. It is safe for
// concurrent use.
type Mapping struct {
	path string
	size int

	mu     sync.Mutex
	data   []byte
	unmap  func() error
	users  int // open arrays, and the Mapping itself until Close
	closed bool
	failed error
}

// MapFile maps a file, which should not change while it is mapped. What MLX
// writes into the memory of an array, where it reuses that for a result, never
// reaches the file.
func MapFile(path string) (*Mapping, error) {
	data, unmap, err := mmap.OpenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("mlx: map_file: %w", err)
	}
	return &Mapping{path: path, size: len(data), data: data, unmap: unmap, users: 1}, nil
}

// Len returns the bytes of the file.
func (m *Mapping) Len() int { return m.size }

// Close gives the mapping back when the last array over it is gone, so that the
// two may be closed in any order. A second Close does nothing.
func (m *Mapping) Close() error {
	m.mu.Lock()
	closed := m.closed
	m.closed = true
	m.mu.Unlock()
	if !closed {
		m.leave()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// enter counts a user and returns size bytes at offset.
func (m *Mapping) enter(offset, size int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, fmt.Errorf("%s: the mapping is closed", m.path)
	case offset < 0 || size > m.size || offset > m.size-size:
		return nil, fmt.Errorf("%s: %d bytes at offset %d are not in the file of %d bytes", m.path, size, offset, m.size)
	}
	m.users++
	return m.data[offset : offset+size : offset+size], nil
}

// leave ends a use, and the mapping with the last.
func (m *Mapping) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	if m.users > 0 {
		return
	}
	m.data = nil
	if err := m.unmap(); err != nil {
		m.failed = fmt.Errorf("mlx: map_file: %s: unmap: %w", m.path, err)
	}
}

// FromMapping makes an array of the elements of dtype, little-endian, that stand
// at an offset of a mapped file, a multiple of their size. On Metal the array is
// that memory itself (from page boundaries; elsewhere MLX copies it), on CPU and
// CUDA it is a copy. The array keeps the mapping in place as long as MLX needs it.
func FromMapping(t *Thread, m *Mapping, dtype Dtype, offset int, shape ...int) (Array, error) {
	if _, err := t.live(); err != nil {
		return Array{}, err
	}
	a, err := fromMapping(m, dtype, offset, shape)
	if err != nil {
		return Array{}, newError("from_mapping", err)
	}
	return a, nil
}

func fromMapping(m *Mapping, dtype Dtype, offset int, shape []int) (Array, error) {
	dims, n, err := elementsOf(shape)
	if err != nil {
		return Array{}, err
	}
	width, err := bindings.DtypeSize(dtype)
	switch {
	case err != nil:
		return Array{}, err
	case uint64(n) > uint64(m.size)/width:
		return Array{}, fmt.Errorf("%s: %d elements of %v are more than the file of %d bytes holds", m.path, n, dtype, m.size)
	case offset%int(width) != 0:
		return Array{}, fmt.Errorf("%s: offset %d is no multiple of the %d bytes of %v", m.path, offset, width, dtype)
	case n == 0:
		return bindings.NewArrayData(nil, dims, dtype)
	case dtype == Bool:
		return Array{}, errors.New("bools are not taken as they are: read them with FromReader, which looks at them")
	}
	data, err := m.enter(offset, n*int(width))
	if err != nil {
		return Array{}, err
	}
	return lent(unsafe.Pointer(unsafe.SliceData(data)), dims, dtype, m.leave)
}
