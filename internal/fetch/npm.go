package fetch

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Package is a pinned npm package.
type Package struct {
	Name, Version string
	File          string // what npm pack calls it
	SHA256        string
}

// ErrNoNPM is what npm packages cannot be fetched without.
var ErrNoNPM = errors.New("npm is needed and is not on the PATH")

// NPM returns the path of a pinned npm package, fetching it with npm pack unless
// it is there. Progress goes to out.
func NPM(ctx context.Context, p Package, out io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "downloads")
	path := filepath.Join(dir, p.File)
	if Verify(path, p.SHA256) == nil {
		return path, nil
	}
	unlock, err := Lock(ctx, path, out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if Verify(path, p.SHA256) == nil {
		return path, nil // another process was faster
	}
	tmp, err := os.MkdirTemp(dir, "."+p.File+"-*")
	if err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := npmPack(ctx, p, tmp, out); err != nil {
		return "", err
	}
	got := filepath.Join(tmp, p.File)
	if err := Verify(got, p.SHA256); err != nil {
		return "", err
	}
	if err := os.Rename(got, path); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	return path, nil
}

// npmPack runs npm pack into dir.
func npmPack(ctx context.Context, p Package, dir string, out io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("fetch: %s: %w", p.Name, ErrNoNPM)
	}
	ctx, cancel := context.WithTimeout(ctx, wheelTimeout)
	defer cancel()
	fmt.Fprintf(out, "downloading %s %s\n", p.Name, p.Version)
	began, log := time.Now(), &logBuffer{}
	cmd := Command(ctx, npm, "pack", "--ignore-scripts", "--pack-destination", dir, p.Name+"@"+p.Version)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetch: npm could not download %s %s: %s", p.Name, p.Version, lastLine(log.String(), errors.Join(ctx.Err(), err)))
	}
	fmt.Fprintf(out, "downloaded %s in %.1f s\n", p.File, time.Since(began).Seconds())
	return nil
}

// UntarFile takes one file out of a compressed tar archive. The file has its name
// only once it is whole.
func UntarFile(archive, name, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("fetch: %s: %w", filepath.Base(archive), err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return fmt.Errorf("fetch: %s: looking for %s: %w", filepath.Base(archive), name, err)
		}
		if h.Name == name {
			return save(r, to)
		}
	}
}

// save writes what r holds to a file.
func save(r io.Reader, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*")
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, r)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if err := os.Rename(tmp.Name(), to); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}
