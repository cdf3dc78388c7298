package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"forge.lthn.ai/core/go-mlx/internal/mmap"
)

// ErrClosed is wrapped by what is asked of a file after its Close.
var ErrClosed = errors.New("file is closed")

// File is an open safetensors file. Its header stays readable after Close, its data does not. All methods may be
// called from several goroutines.
type File struct {
	Header

	name   string
	mu     sync.RWMutex
	data   []byte
	unmap  func() error
	closed bool
}

// Open maps a file and checks its header. Close it when the last slice of its data is no longer in use.
func Open(path string) (*File, error) {
	data, unmap, err := mmap.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	h, err := ParseHeader(bytes.NewReader(data), int64(len(data)), path)
	if err != nil {
		return nil, errors.Join(err, unmap())
	}
	return &File{Header: *h, name: path, data: data, unmap: unmap}, nil
}

// Name returns the path that the file was opened with.
func (f *File) Name() string { return f.name }

// Data returns the bytes of a tensor of this file: read-only memory of the mapping, valid until Close.
func (f *File) Data(info TensorInfo) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return nil, fmt.Errorf("safetensors: %s: tensor %q: %w", f.name, info.Name, ErrClosed)
	}
	known, ok := f.Tensor(info.Name)
	if !ok || known.Offset != info.Offset || known.Size != info.Size {
		return nil, fmt.Errorf("safetensors: %s: tensor %q is not in this file", f.name, info.Name)
	}
	end := info.Offset + info.Size
	return f.data[info.Offset:end:end], nil
}

// Close ends the mapping: slices that Data returned must not be touched any more. A second Close does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed, f.data = true, nil
	if err := f.unmap(); err != nil {
		return fmt.Errorf("safetensors: %s: unmap: %w", f.name, err)
	}
	return nil
}
