package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/npy"
)

// entry is a member of an archive that a test makes.
type entry struct {
	name string
	data []byte
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		require.NoError(t, err)
		_, err = f.Write(e.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func array(shape string, data ...byte) []byte {
	return append(file(`{'descr': '|u1', 'fortran_order': False, 'shape': `+shape+`}`), data...)
}

// readAll returns the elements of every array.
func readAll(raw []byte, limit int64) (map[string]string, error) {
	a, err := npy.OpenArchive(bytes.NewReader(raw), int64(len(raw)), limit)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	return out, a.Each(func(name string, h *npy.Header, elements io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(elements, h.Bytes))
		out[name] = string(data)
		return err
	})
}

func TestArchivesOfNumPy(t *testing.T) {
	for name, want := range map[string]map[string]int{
		"stored.npz": {"a": 24, "b": 48}, "deflated.npz": {"a": 24, "zeros": 100_000}, "mlx.npz": {"a": 24, "h": 12},
	} {
		raw, err := os.ReadFile(corpus + name)
		require.NoError(t, err)
		got, err := readAll(raw, 1<<20)
		require.NoError(t, err)
		sizes := map[string]int{}
		for k, v := range got {
			sizes[k] = len(v)
		}
		require.Equal(t, want, sizes)
		_, err = readAll(raw, 30)
		require.ErrorContains(t, err, "the arrays have more than the 30 bytes allowed")
	}
}

func TestHostileArchives(t *testing.T) {
	good := entry{"a.npy", array("(3,)", 1, 2, 3)}
	tests := map[string][]byte{
		"not a whole .npz file":                                 []byte("PK\x03\x04"),
		`entry "a.txt" is no .npy file`:                         archive(t, entry{"a.txt", nil}),
		`entry "a.npy" appears twice`:                           archive(t, good, good),
		`entry "a.npy": magic: unexpected EOF`:                  archive(t, entry{"a.npy", nil}),
		`bytes, where header and shape [4] have`:                archive(t, entry{"a.npy", array("(4,)", 1, 2, 3)}),
		`bytes, where header and shape [2] have`:                archive(t, entry{"a.npy", array("(2,)", 1, 2, 3)}),
		`bytes, where header and shape [1099511627776] have`:    archive(t, entry{"a.npy", array("(1099511627776,)", 1, 2, 3)}),
		`entry "a.npy" claims 4000000000 bytes in`:              patched(t, archive(t, good), "PK\x01\x02", 24, 4_000_000_000),
		`entries "a.npy" and "b.npy" overlap`:                   overlapping(t),
		`entry "a.npy": 1000000 bytes at offset`:                patched(t, archive(t, good), "PK\x01\x02", 20, 1_000_000),
		`entry "a.npy": zip: checksum error`:                    patched(t, archive(t, good), "PK\x01\x02", 16, 7),
		`entry "a.npy": zip: not a valid zip file`:              patched(t, archive(t, good), "PK\x03\x04", 0, 0),
		`entry "a.npy": zip: unsupported compression algorithm`: patched16(t, archive(t, good), "PK\x01\x02", 10, 99),
	}
	for want, raw := range tests {
		_, err := readAll(raw, 1<<40)
		require.ErrorContains(t, err, want)
	}
	mine := errors.New("mine")
	raw := archive(t, good)
	a, err := npy.OpenArchive(bytes.NewReader(raw), int64(len(raw)), 1<<20)
	require.NoError(t, err)
	err = a.Each(func(string, *npy.Header, io.Reader) error { return mine })
	require.ErrorIs(t, err, mine)
	require.ErrorContains(t, err, `entry "a.npy": mine`)
}

// patched changes 4 bytes behind the first record with a signature.
func patched(t *testing.T, raw []byte, signature string, at int, v uint32) []byte {
	t.Helper()
	i := bytes.Index(raw, []byte(signature))
	require.GreaterOrEqual(t, i, 0)
	binary.LittleEndian.PutUint32(raw[i+at:], v)
	return raw
}

func patched16(t *testing.T, raw []byte, signature string, at int, v uint16) []byte {
	t.Helper()
	i := bytes.Index(raw, []byte(signature))
	binary.LittleEndian.PutUint16(raw[i+at:], v)
	return raw
}

// overlapping lets the second entry start where the first does.
func overlapping(t *testing.T) []byte {
	t.Helper()
	raw := archive(t, entry{"a.npy", array("(3,)", 1, 2, 3)}, entry{"b.npy", array("(3,)", 1, 2, 3)})
	i := bytes.LastIndex(raw, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(raw[i+42:], 0)
	return raw
}

func FuzzArchive(f *testing.F) {
	for _, name := range []string{"stored.npz", "deflated.npz", "mlx.npz"} {
		raw, err := os.ReadFile(corpus + name)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add(archive(f, entry{"a.npy", array("()", 1)}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, _ := readAll(raw, 1<<20)
		total := 0
		for _, v := range got {
			total += len(v)
		}
		require.LessOrEqual(t, total, 1<<20)
	})
}
