package gguf

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"forge.lthn.ai/core/go-mlx/internal/mmap"
)

// ErrClosed is wrapped by what is asked of a file after its Close.
var ErrClosed = errors.New("file is closed")

// File is an open GGUF file. Its header stays readable after Close, its data does not. All methods may be called
// from several goroutines.
type File struct {
	// Version is 2 or 3.
	Version uint32
	// Alignment is the number of bytes of which every tensor's offset is a multiple.
	Alignment int
	// Metadata holds the key-value pairs; its getters are the file's own.
	Metadata
	// Tensors lists the tensors in file order.
	Tensors []TensorInfo

	name  string
	index map[string]int
	r     io.ReaderAt // where Data reads when there is no mapping

	others []*File          // the rest of one that is split
	parts  map[string]*File // which of them a tensor is in

	mu     sync.RWMutex
	data   []byte
	unmap  func() error
	closed bool
}

// Open maps a file and checks its header. Of one that is split, any of model-00001-of-00003.gguf and so on, it opens all: the
// metadata is that of the first, and the tensors are those of every one. Close it when the last slice of its data is no longer
// in use.
func Open(path string) (*File, error) { return openSplit(SplitNames(path)) }

func openOne(path string) (*File, error) {
	data, unmap, err := mmap.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	f, err := parse(&cursor{size: uint64(len(data)), buf: data}, path)
	if err != nil {
		return nil, errors.Join(err, unmap())
	}
	f.unmap = unmap
	return f, nil
}

// Name returns the path or name that the file was opened with.
func (f *File) Name() string { return f.name }

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (TensorInfo, bool) {
	i, ok := f.index[name]
	if !ok {
		return TensorInfo{}, false
	}
	return f.Tensors[i], true
}

// Data returns the bytes of a tensor of this file: read-only memory of the mapping, valid until Close, or a copy
// where the file was parsed from a reader.
func (f *File) Data(info TensorInfo) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return nil, fmt.Errorf("gguf: %s: tensor %q: %w", f.name, info.Name, ErrClosed)
	}
	known, ok := f.Tensor(info.Name)
	if !ok || known.Offset != info.Offset || known.Size != info.Size {
		return nil, fmt.Errorf("gguf: %s: tensor %q is not in this file", f.name, info.Name)
	}
	if part, ok := f.parts[info.Name]; ok {
		return part.Data(info)
	}
	if f.r == nil {
		end := info.Offset + info.Size
		return f.data[info.Offset:end:end], nil
	}
	out := make([]byte, info.Size)
	if n, err := f.r.ReadAt(out, info.Offset); n < len(out) {
		return nil, fmt.Errorf("gguf: %s: tensor %q: read: %w", f.name, info.Name, err)
	}
	return out, nil
}

// Release lets the system take back the memory of a tensor that was read, as far as it
// is that of the mapping. Slices that Data returned stay good: what they show is read
// from the file again.
func (f *File) Release(info TensorInfo) error {
	if part, ok := f.parts[info.Name]; ok {
		return part.Release(info)
	}
	data, err := f.Data(info)
	if err == nil && f.unmap != nil && f.r == nil {
		mmap.Release(data)
	}
	return err
}

// Close ends the mapping: slices that Data returned must not be touched any more. A second Close does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed, f.data = true, nil
	var errs []error
	for _, part := range f.others {
		errs = append(errs, part.Close())
	}
	if f.unmap != nil {
		if err := f.unmap(); err != nil {
			errs = append(errs, fmt.Errorf("gguf: %s: unmap: %w", f.name, err))
		}
	}
	return errors.Join(errs...)
}
