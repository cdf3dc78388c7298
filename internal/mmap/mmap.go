// Package mmap maps files into memory, or reads them where the system has no
// mapping.
package mmap

import (
	"fmt"
	"math"
	"os"
)

// Open maps a regular file for reading; one without bytes has no memory. The
// mapping outlives the descriptor; unmap ends it.
func Open(path string) (data []byte, unmap func() error, err error) { return open(path, false) }

// OpenPrivate is Open for memory that may be written to. What is written stays in
// this process and never reaches the file.
func OpenPrivate(path string) (data []byte, unmap func() error, err error) { return open(path, true) }

// Release gives the pages that lie within part, some of what Open mapped, back to the
// system: they are read from the file again when they are next looked at. What was
// written to memory of OpenPrivate would be lost.
func Release(part []byte) { release(part) }

func open(path string, writable bool) ([]byte, func() error, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !stat.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s: not a regular file", path)
	case stat.Size() > math.MaxInt:
		return nil, nil, fmt.Errorf("%s: %d bytes do not fit this machine's address space", path, stat.Size())
	case stat.Size() == 0:
		return nil, func() error { return nil }, nil
	}
	data, unmap, err := mapFile(file, int(stat.Size()), writable)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: map %d bytes: %w", path, stat.Size(), err)
	}
	return data, unmap, nil
}
