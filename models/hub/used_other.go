//go:build !linux && !darwin

package hub

import (
	"io/fs"
	"time"
)

// lastUsed is when a file was last written.
func lastUsed(info fs.FileInfo) time.Time { return info.ModTime() }
