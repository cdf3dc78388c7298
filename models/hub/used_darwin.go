package hub

import (
	"io/fs"
	"syscall"
	"time"
)

// lastUsed is when a file was last read or written.
func lastUsed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		if read := time.Unix(s.Atimespec.Unix()); read.After(info.ModTime()) {
			return read
		}
	}
	return info.ModTime()
}
