//go:build unix

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir sees a rename to the disk. Some file systems cannot, and need not.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
