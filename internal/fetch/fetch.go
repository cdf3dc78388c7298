// Package fetch downloads what is pinned: wheels and source distributions with
// pip, npm packages with npm. It keeps them in the user cache folder, checks
// their sha256, and leaves nothing half done: a file has its name only when it
// is whole and right.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// CacheDir is the folder that everything fetched and built is kept in: go-mlx
// in the user's cache folder.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("fetch: no cache folder: %w", err)
	}
	return filepath.Join(dir, "go-mlx"), nil
}

// Lock takes the lock of a path, so that two processes do not write it at once.
// It waits until the context ends, and tells out so.
func Lock(ctx context.Context, path string, out io.Writer) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	l := flock.New(path + ".lock")
	free, err := l.TryLock()
	if err == nil && !free {
		fmt.Fprintf(out, "waiting for another process that is making %s\n", path)
		_, err = l.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch: locking %s: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}

// Verify compares a file's sha256.
func Verify(path, sum string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("fetch: %s has sha256 %s, want %s: the file is damaged or was changed",
			filepath.Base(path), got, sum)
	}
	return nil
}
