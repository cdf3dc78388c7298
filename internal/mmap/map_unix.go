//go:build unix

package mmap

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int, writable bool) ([]byte, func() error, error) {
	access := unix.PROT_READ
	if writable {
		access |= unix.PROT_WRITE
	}
	data, err := unix.Mmap(int(f.Fd()), 0, size, access, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

// release is advice: where the system does not take it, nothing is lost.
func release(part []byte) {
	page := uintptr(os.Getpagesize())
	from := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	skip := (page - from%page) % page
	if skip >= uintptr(len(part)) {
		return
	}
	whole := (uintptr(len(part)) - skip) / page * page
	if whole > 0 {
		_ = unix.Madvise(part[skip:skip+whole], unix.MADV_DONTNEED)
	}
}
