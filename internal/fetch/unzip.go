package fetch

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Unzip writes the files of a wheel for which keep returns a path, below dir.
// keep gets the name in the wheel; "" leaves the file out.
func Unzip(ctx context.Context, wheel, dir string, keep func(name string) string) error {
	r, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("fetch: %s: %w", wheel, err)
	}
	defer r.Close()
	for _, f := range r.File {
		name := keep(f.Name)
		if name == "" || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("fetch: %s holds %q, which leaves the folder", wheel, f.Name)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := unzipOne(f, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("fetch: %s: %s: %w", wheel, f.Name, err)
		}
	}
	return nil
}

func unzipOne(f *zip.File, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	_, err = io.Copy(out, in)
	return err
}
