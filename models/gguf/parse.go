package gguf

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
)

const defaultAlignment = 32

// Parse reads and checks the header of a GGUF file of size bytes behind r. The name stands in every error. The data
// of tensors is read from r when [File.Data] asks for it.
func Parse(r io.ReaderAt, size int64, name string) (*File, error) {
	if size < 0 {
		return nil, fmt.Errorf("gguf: %s: negative size %d", name, size)
	}
	return parse(&cursor{r: r, size: uint64(size)}, name)
}

func parse(c *cursor, name string) (*File, error) {
	f := &File{name: name, r: c.r, data: c.buf}
	f.Metadata = Metadata{file: name, values: map[string]Value{}}
	if err := f.readHeader(c); err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", name, err)
	}
	return f, nil
}

func (f *File) readHeader(c *cursor) error {
	version, err := readVersion(c)
	if err != nil {
		return err
	}
	f.Version = version
	tensors, err := c.count(24, maxEntries) // a name's length, no dimensions, a type and an offset
	if err != nil {
		return fmt.Errorf("tensor count: %w", err)
	}
	pairs, err := c.count(13, maxEntries) // a key's length, a value's type and one byte
	if err != nil {
		return fmt.Errorf("metadata count: %w", err)
	}
	if err := f.readMetadata(c, pairs); err != nil {
		return err
	}
	if f.Alignment, err = f.alignment(); err != nil {
		return err
	}
	return f.readTensors(c, tensors)
}

// readVersion reads the magic and the version, and says of what it refuses what it is.
func readVersion(c *cursor) (uint32, error) {
	if c.size == 0 {
		return 0, errors.New("the file is empty")
	}
	magic, err := c.take(4)
	if err != nil {
		return 0, fmt.Errorf("magic: %w", err)
	}
	switch string(magic) {
	case "GGUF":
	case "lmgg", "fmgg", "tjgg", "algg":
		return 0, errors.New("not a GGUF file but one of ggml's older formats; convert the model again")
	default:
		return 0, fmt.Errorf("not a GGUF file: it begins with %q", magic)
	}
	version, err := c.u32()
	switch {
	case err != nil:
		return 0, fmt.Errorf("version: %w", err)
	case version == 2 || version == 3:
		return version, nil
	case version == 1:
		return 0, errors.New("GGUF version 1 is not supported; convert the model again (2 and 3 are read)")
	case version&0xffff == 0 && bits.ReverseBytes32(version) <= 0xffff && version != 0:
		return 0, fmt.Errorf("big-endian GGUF (version %d) is not supported; convert it to little-endian", bits.ReverseBytes32(version))
	}
	return 0, fmt.Errorf("GGUF version %d is not supported (2 and 3 are)", version)
}

func (f *File) readMetadata(c *cursor, n int) error {
	for i := range n {
		key, err := c.str(maxName)
		if err != nil {
			return fmt.Errorf("metadata key %d: %w", i, err)
		}
		if f.Has(key) {
			return fmt.Errorf("metadata %q appears twice", key)
		}
		kind, err := c.u32()
		if err != nil {
			return fmt.Errorf("metadata %q: value type: %w", key, err)
		}
		v, err := c.value(Kind(kind), 0)
		if err != nil {
			return fmt.Errorf("metadata %q: %w", key, err)
		}
		f.keys = append(f.keys, key)
		f.values[key] = v
	}
	return nil
}

// alignment returns general.alignment, by which the data and every tensor in it are placed.
func (f *File) alignment() (int, error) {
	const key = "general.alignment"
	v, ok := f.Lookup(key)
	if !ok {
		return defaultAlignment, nil
	}
	a, ok := v.Any().(uint32)
	if !ok {
		return 0, fmt.Errorf("metadata %q is %s, want uint32", key, v.describe())
	}
	if bits.OnesCount32(a) != 1 || a > 1<<30 {
		return 0, fmt.Errorf("metadata %q: %d is not a power of two up to 2^30", key, a)
	}
	return int(a), nil
}
