package fetch

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxTarFiles bounds what ReadTar returns, in bytes.
const maxTarFiles = 64 << 20

// ReadTar returns the files of a gzipped tar archive for which keep returns a
// name, under these names. They must have less than 64 MB in all; an archive
// that has none of them is an error.
func ReadTar(ctx context.Context, path string, keep func(name string) string) (map[string][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer f.Close()
	files, err := readTar(contextReader{ctx, f}, keep)
	if err != nil {
		return nil, fmt.Errorf("fetch: %s: %w", filepath.Base(path), err)
	}
	return files, nil
}

func readTar(r io.Reader, keep func(name string) string) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	files, left := map[string][]byte{}, int64(maxTarFiles)
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := keep(h.Name)
		if name == "" || h.Typeflag != tar.TypeReg {
			continue
		}
		if left -= h.Size; left < 0 {
			return nil, fmt.Errorf("the files have more than %d bytes", maxTarFiles)
		}
		if files[name], err = io.ReadAll(archive); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("it holds nothing of what was looked for")
	}
	return files, nil
}
