package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lock takes the lock of a blob, the one that huggingface_hub takes. The file stays
// behind; only who holds it counts, so one of a dead process is free.
func (c *Client) lock(ctx context.Context, r Ref, etag string) (unlock func(), err error) {
	path := filepath.Join(c.cacheDir, ".locks", r.folder(), etag+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for {
		l := flock.New(path, flock.SetPermissions(0o664))
		if _, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		held, err := l.Stat()
		named, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(held, named) {
			return func() { _ = l.Unlock() }, nil
		}
		_ = l.Unlock() // another removed the file before letting go of it
	}
}
