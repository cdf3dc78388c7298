//go:build unix

package mmap

import (
	"os"

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
