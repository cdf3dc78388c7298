package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoSpace is wrapped where the disk has not the room for what is to be downloaded.
var ErrNoSpace = errors.New("not enough space on the disk")

// checkSpace compares what is missing of the blobs with what the disk has free,
// before any of it is fetched.
func (c *Client) checkSpace(r Ref, blobs []blob) error {
	var need int64
	counted := map[string]bool{} // two files may have one content
	for _, b := range blobs {
		path := c.blobPath(r, b.etag)
		if counted[path] || hasSize(path, b.Size) {
			continue
		}
		counted[path] = true
		need += b.Size
		if part, err := os.Stat(path + ".incomplete"); err == nil {
			need -= min(part.Size(), b.Size)
		}
	}
	if need == 0 {
		return nil
	}
	dir := filepath.Join(c.cacheDir, r.folder())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if free, ok := c.free(dir); ok && uint64(need) > free {
		return finalError{fmt.Errorf("%w: %s are needed and %s are free in %s; HF_HUB_CACHE names another folder", ErrNoSpace,
			bytesText(uint64(need)), bytesText(free), c.cacheDir)}
	}
	return nil
}

// bytesText is a size for people.
func bytesText(n uint64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
