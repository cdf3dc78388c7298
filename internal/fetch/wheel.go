package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"forge.lthn.ai/core/go-mlx/native"
)

// Wheel returns the path of a pinned wheel, downloading it unless it is there.
// Progress goes to out.
func Wheel(ctx context.Context, w native.Wheel, out io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "downloads")
	path := filepath.Join(dir, w.File)
	if Verify(path, w.SHA256) == nil {
		return path, nil // without the lock: the folder may be read-only
	}
	unlock, err := Lock(ctx, path, out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if Verify(path, w.SHA256) == nil {
		return path, nil // another process was faster
	}
	return path, download(ctx, w, dir, path, out)
}

// download brings the wheel into a folder of its own, checks it there and gives
// it its name last.
func download(ctx context.Context, w native.Wheel, dir, path string, out io.Writer) error {
	removeStale(dir, w)
	tmp, err := os.MkdirTemp(dir, tempPrefix(w)+"*")
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer os.RemoveAll(tmp)
	began := time.Now()
	if err := pip(ctx, w, tmp, out); err != nil {
		return err
	}
	got := filepath.Join(tmp, w.File)
	err = Verify(got, w.SHA256)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("fetch: pip ended without error but saved no %s", w.File)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(got, path); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	fmt.Fprintf(out, "downloaded %s in %.1f s\n", w.File, time.Since(began).Seconds())
	return nil
}

// tempPrefix begins the names of the folders that a wheel is downloaded in.
func tempPrefix(w native.Wheel) string { return "." + w.File + "-" }

// removeStale removes what a download left that was killed. The caller holds
// the wheel's lock, so nobody else is at it.
func removeStale(dir string, w native.Wheel) {
	old, _ := filepath.Glob(filepath.Join(dir, tempPrefix(w)+"*"))
	for _, path := range old {
		os.RemoveAll(path)
	}
}
