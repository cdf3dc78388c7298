// Package atomicfile writes files that are there whole or not at all: into a
// temporary file of the same folder, to the disk, and then under the name.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write puts what write writes into the file path. When write fails, or panics,
// or the disk does, nothing is left of it, and what had the name before is
// unchanged.
func Write(path string, write func(w io.Writer) error) error {
	return WriteAll([]string{path}, func(_ string, w io.Writer) error { return write(w) })
}

// WriteAll is Write for files that belong together, of one folder: none gets its
// name before all are on the disk, and they get them in the order given.
func WriteAll(paths []string, write func(path string, w io.Writer) error) (err error) {
	var parts parts
	defer parts.abandon()
	for _, path := range paths {
		if err := parts.add(path, func(f *os.File) error { return write(path, f) }); err != nil {
			return err
		}
	}
	return parts.commit()
}

// WritePath is Write for a function that wants a path: a file with the extension
// of path, which exists and is empty.
func WritePath(path string, write func(path string) error) error {
	var parts parts
	defer parts.abandon()
	err := parts.add(path, func(f *os.File) error { return write(f.Name()) })
	if err != nil {
		return err
	}
	return parts.commit()
}

// part is a temporary file and the name that it is to have.
type part struct{ tmp, path string }

// parts are the temporary files that have not got their names.
type parts []part

// add writes a temporary file and sees it to the disk.
func (p *parts) add(path string, write func(f *os.File) error) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	*p = append(*p, part{f.Name(), path})
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("%s: sync: %w", path, err)
	}
	return f.Close()
}

// create opens a new hidden file beside path, with the permissions of the file
// there, or the usual ones.
func create(path string) (*os.File, error) {
	mode := fs.FileMode(0o666)
	switch stat, err := os.Stat(path); {
	case err == nil && !stat.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case err == nil:
		mode = stat.Mode().Perm()
	}
	dir, name := filepath.Split(path)
	for range 100 {
		tmp := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp%s", name, rand.Uint32(), filepath.Ext(name)))
		f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%s: no free name for a temporary file", path)
}

// commit gives the files their names.
func (p *parts) commit() error {
	for len(*p) > 0 {
		next := (*p)[0]
		if err := os.Rename(next.tmp, next.path); err != nil {
			return err
		}
		*p = (*p)[1:]
		if err := SyncDir(filepath.Dir(next.path)); err != nil {
			return fmt.Errorf("%s: sync of the folder: %w", next.path, err)
		}
	}
	return nil
}

// abandon removes the files that have no names.
func (p *parts) abandon() {
	for _, left := range *p {
		os.Remove(left.tmp)
	}
}
