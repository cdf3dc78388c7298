package npy

import (
	"archive/zip"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of what is unpacked. Deflate packs nothing more than about a
// thousandfold: an entry that claims more lies.
const (
	maxEntries = 1 << 16
	maxRatio   = 1100
)

// Archive is a .npz file: .npy files in a zip archive.
type Archive struct {
	files []*zip.File
}

// OpenArchive reads the directory of an archive of size bytes behind r. It refuses
// names that are not unique or not those of .npy files, entries that share bytes,
// and entries that together claim more than limit bytes once unpacked.
func OpenArchive(r io.ReaderAt, size, limit int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a whole .npz file: %w", err)
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("%d entries are more than %d", len(z.File), maxEntries)
	}
	a := &Archive{files: z.File}
	if err := a.check(limit); err != nil {
		return nil, err
	}
	return a, a.apart(size)
}

func (a *Archive) check(limit int64) error {
	seen := map[string]bool{}
	room := uint64(limit)
	for _, f := range a.files {
		switch {
		case !strings.HasSuffix(f.Name, ".npy"):
			return fmt.Errorf("entry %q is no .npy file", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("entry %q appears twice", f.Name)
		case f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return fmt.Errorf("entry %q claims %d bytes in %d, which cannot be true", f.Name, f.UncompressedSize64, f.CompressedSize64)
		case f.UncompressedSize64 > room:
			return fmt.Errorf("entry %q: the arrays have more than the %d bytes allowed", f.Name, limit)
		}
		seen[f.Name] = true
		room -= f.UncompressedSize64
	}
	return nil
}

// apart demands that no byte of the file serves two entries, which is how a small
// archive unpacks to a large one.
func (a *Archive) apart(size int64) error {
	type span struct {
		name       string
		begin, end int64
	}
	var spans []span
	for _, f := range a.files {
		begin, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("entry %q: %w", f.Name, err)
		}
		if n := f.CompressedSize64; begin > size || n > uint64(size-begin) {
			return fmt.Errorf("entry %q: %d bytes at offset %d are not in the file of %d bytes", f.Name, n, begin, size)
		}
		spans = append(spans, span{f.Name, begin, begin + int64(f.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	for i := 1; i < len(spans); i++ {
		if spans[i-1].end > spans[i].begin {
			return fmt.Errorf("entries %q and %q overlap", spans[i-1].name, spans[i].name)
		}
	}
	return nil
}

// Each calls f for every array, with its name, its header and its elements, all of
// which f must read.
func (a *Archive) Each(f func(name string, h *Header, elements io.Reader) error) error {
	for _, file := range a.files {
		if err := each(file, f); err != nil {
			return fmt.Errorf("entry %q: %w", file.Name, err)
		}
	}
	return nil
}

func each(file *zip.File, f func(string, *Header, io.Reader) error) error {
	r, err := file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	h, err := ReadHeader(r)
	if err != nil {
		return err
	}
	if want := uint64(h.HeaderBytes) + uint64(h.Bytes); want != file.UncompressedSize64 {
		return fmt.Errorf("%d bytes, where header and shape %v have %d", file.UncompressedSize64, h.Shape, want)
	}
	if err := f(strings.TrimSuffix(file.Name, ".npy"), h, r); err != nil {
		return err
	}
	// Only at the end of an entry is its checksum compared.
	n, err := io.Copy(io.Discard, io.LimitReader(r, 1))
	if err == nil && n > 0 {
		err = fmt.Errorf("it holds more than it claims")
	}
	return err
}
