package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

const (
	// maxHeader bounds the metadata and tensor table. Real headers are a few megabytes (vocabularies); the bound
	// matters for sparse files, whose size on paper would admit any length.
	maxHeader = 256 << 20
	// maxEntries bounds the number of metadata keys and of tensors, which cost more memory than bytes in the file.
	maxEntries = 1 << 20
	// maxString bounds one string; the longest real ones are chat templates of some tens of kilobytes.
	maxString = 64 << 20
	// maxName bounds metadata keys (the format's own limit) and tensor names.
	maxName = 1<<16 - 1
	// firstWindow is what a cursor over a reader fetches at first.
	firstWindow = 64 << 10
)

// cursor walks through the header. It holds the bytes of the file from its start up to at least pos: the whole file
// where it is mapped, a window that grows on demand where it is read.
type cursor struct {
	r    io.ReaderAt // nil when buf is the whole file
	size uint64
	buf  []byte
	pos  uint64
}

// left returns the number of bytes after the cursor.
func (c *cursor) left() uint64 { return c.size - c.pos }

// take returns the next n bytes, valid until the next call, and moves past them.
func (c *cursor) take(n uint64) ([]byte, error) {
	if n > c.left() {
		return nil, fmt.Errorf("%d bytes wanted at offset %d, %d left in the file: %w", n, c.pos, c.left(), io.ErrUnexpectedEOF)
	}
	end := c.pos + n
	if end > maxHeader {
		return nil, fmt.Errorf("the header is longer than %d bytes", maxHeader)
	}
	if end > uint64(len(c.buf)) {
		if err := c.grow(end); err != nil {
			return nil, err
		}
	}
	b := c.buf[c.pos:end:end]
	c.pos = end
	return b, nil
}

// grow reads on until the window reaches at least end.
func (c *cursor) grow(end uint64) error {
	old := uint64(len(c.buf))
	want := min(max(end, 2*old, firstWindow), c.size)
	buf := make([]byte, want)
	copy(buf, c.buf)
	if n, err := c.r.ReadAt(buf[old:], int64(old)); n < len(buf)-int(old) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read at offset %d: %w", old+uint64(n), err)
	}
	c.buf = buf
	return nil
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a number of things that take at least width bytes each, and refuses one above limit or one that the
// file cannot hold.
func (c *cursor) count(width, limit uint64) (int, error) {
	n, err := c.u64()
	if err != nil {
		return 0, err
	}
	if n > c.left()/width {
		return 0, fmt.Errorf("%d entries of at least %d bytes cannot fit in the %d bytes left in the file", n, width, c.left())
	}
	if n > limit {
		return 0, fmt.Errorf("%d entries are more than a header may hold (%d)", n, limit)
	}
	return int(n), nil
}

// str reads one string of at most limit bytes into memory of its own.
func (c *cursor) str(limit uint64) (string, error) {
	b, err := c.strBytes(limit)
	return string(b), err
}

func (c *cursor) strBytes(limit uint64) ([]byte, error) {
	n, err := c.u64()
	if err != nil {
		return nil, fmt.Errorf("string length: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("string of %d bytes at offset %d is longer than %d", n, c.pos, limit)
	}
	return c.take(n)
}

// skipStr moves past a string that the window holds and returns its size; it does nothing
// where the window does not, or where strBytes would complain.
func (c *cursor) skipStr() (int, bool) {
	end := min(uint64(len(c.buf)), maxHeader)
	if c.pos+8 > end {
		return 0, false
	}
	size := binary.LittleEndian.Uint64(c.buf[c.pos:])
	if size > maxString || size > end-c.pos-8 {
		return 0, false
	}
	c.pos += 8 + size
	return int(size), true
}

// strs reads n strings that share one piece of memory: vocabularies have hundreds of thousands.
func (c *cursor) strs(n int) ([]string, error) {
	start, total := c.pos, 0
	for i := range n {
		size, ok := c.skipStr()
		if !ok {
			b, err := c.strBytes(maxString)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			size = len(b)
		}
		total += size
	}
	raw := c.buf[start:c.pos]
	var joined strings.Builder
	joined.Grow(total)
	for rest := raw; len(rest) > 0; {
		size := binary.LittleEndian.Uint64(rest)
		joined.Write(rest[8 : 8+size])
		rest = rest[8+size:]
	}
	text := joined.String()
	out := make([]string, n)
	for i := range out {
		size := binary.LittleEndian.Uint64(raw)
		out[i], text = text[:size], text[size:]
		raw = raw[8+size:]
	}
	return out, nil
}
