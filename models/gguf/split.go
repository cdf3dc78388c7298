package gguf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
)

// Keys of a file that is one of several, as llama.cpp's gguf-split writes them.
const (
	splitCount   = "split.count"
	splitTensors = "split.tensors.count"
)

// maxSplit bounds the files of a model, which five digits count.
const maxSplit = 1 << 10

var splitName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.(?i:gguf)$`)

// SplitNames lists the files that belong together with the one of that name or path, in order: model-00001-of-00003.gguf and
// so on. A name of no such form stands alone.
func SplitNames(name string) []string {
	m := splitName.FindStringSubmatch(name)
	if m == nil {
		return []string{name}
	}
	n, _ := strconv.Atoi(m[3])
	if n < 1 || n > maxSplit {
		return []string{name}
	}
	ext := filepath.Ext(name)
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%05d-of-%s%s", m[1], i+1, m[3], ext)
	}
	return names
}

// openSplit opens the files that names lists. The first has the metadata.
func openSplit(names []string) (*File, error) {
	f, err := openOne(names[0])
	if err != nil {
		return nil, err
	}
	if f.Has(splitCount) || len(names) > 1 {
		if err := f.openOthers(names); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// openOthers opens all files but the first, and checks that they are all.
func (f *File) openOthers(names []string) error {
	count, err := f.Int(splitCount)
	if err != nil {
		return err
	}
	if count != int64(len(names)) {
		return fmt.Errorf("gguf: %s: metadata %q is %d, and its name says that it is one of %d", f.name, splitCount, count, len(names))
	}
	f.parts = map[string]*File{}
	for _, name := range names[1:] {
		part, err := openOne(name)
		if err != nil {
			return fmt.Errorf("gguf: %s is one of %d: %w", f.name, count, err)
		}
		f.others = append(f.others, part)
		if err := f.join(part); err != nil {
			return err
		}
	}
	want, err := f.Int(splitTensors)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err == nil && want != int64(len(f.Tensors)):
		return fmt.Errorf("gguf: %s: metadata %q is %d, and the %d files have %d", f.name, splitTensors, want, count, len(f.Tensors))
	}
	return err
}

// join adds the tensors of another file.
func (f *File) join(part *File) error {
	for _, t := range part.Tensors {
		if _, twice := f.index[t.Name]; twice {
			return fmt.Errorf("gguf: %s: tensor %q is in another of its files too", part.name, t.Name)
		}
		f.index[t.Name] = len(f.Tensors)
		f.Tensors = append(f.Tensors, t)
		f.parts[t.Name] = part
	}
	return nil
}
