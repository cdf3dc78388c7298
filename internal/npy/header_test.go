package npy_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/npy"
)

// corpus are files that NumPy and MLX wrote (runtime/testdata/npy.py).
const corpus = "../../runtime/testdata/npy/"

// file is a header of version 1.
func file(text string) []byte {
	return append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text))), text...)
}

func TestHeadersOfNumPy(t *testing.T) {
	for name, want := range map[string]npy.Header{
		"float32.npy":         {Kind: 'f', Size: 4, Shape: []int{2, 3}, Bytes: 24, HeaderBytes: 128},
		"fortran-float32.npy": {Kind: 'f', Size: 4, Fortran: true, Shape: []int{2, 3}, Bytes: 24, HeaderBytes: 128},
		"big-c8.npy":          {Kind: 'c', Size: 8, BigEndian: true, Shape: []int{2, 3}, Bytes: 48, HeaderBytes: 128},
		"scalar.npy":          {Kind: 'i', Size: 4, Shape: []int{}, Bytes: 4, HeaderBytes: 128},
		"empty.npy":           {Kind: 'f', Size: 4, Shape: []int{0, 4}, Bytes: 0, HeaderBytes: 128},
		"version2.npy":        {Kind: 'i', Size: 4, Shape: []int{2, 3}, Bytes: 24, HeaderBytes: 128},
	} {
		raw, err := os.ReadFile(corpus + name)
		require.NoError(t, err)
		r := bytes.NewReader(raw)
		h, err := npy.ReadHeader(r)
		require.NoError(t, err, name)
		require.Equal(t, int64(r.Len()), h.Bytes, name)
		require.Equal(t, &want, h, name)
	}
}

// TestHeadersOfOldWriters: Python 2 wrote an L behind long numbers.
func TestHeadersOfOldWriters(t *testing.T) {
	h, err := npy.ReadHeader(bytes.NewReader(file(`{"shape": (2L, (3)),'fortran_order':False , 'descr': '=f8'}`)))
	require.NoError(t, err)
	require.Equal(t, []int{2, 3}, h.Shape)
	require.Equal(t, int64(48), h.Bytes)
}

var hostile = []struct {
	name string
	file []byte
	want string
}{
	{"empty", nil, "magic: unexpected EOF"},
	{"other", []byte("PK\x03\x04abcdef"), `not a .npy file: it begins with "PK\x03\x04ab"`},
	{"version 4", []byte("\x93NUMPY\x04\x00\x00\x00\x00\x00"), "version 4.0 is not supported (1 to 3 are)"},
	{"no length", []byte("\x93NUMPY\x01\x00\x01"), "header length: unexpected EOF"},
	{"4 GB of header", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "a header of 4294967295 bytes is longer than 65536"},
	{"cut", file(`{'descr'`)[:12], "header: unexpected EOF"},
	{"not UTF-8", []byte("\x93NUMPY\x03\x00\x01\x00\x00\x00\xff"), "header: not valid UTF-8"},
	{"no text", file(""), "header: at byte 0: no literal that a header can have"},
	{"code", file(`__import__('os')`), "header: at byte 0: no literal that a header can have"},
	{"no dictionary", file(`(1,)`), "header: it is no dictionary"},
	{"no end", file(`{'a': 1`), "header: at byte 7: want a comma or }"},
	{"string without end", file(`{'a`), "header: at byte 2: a string has no end"},
	{"escape", file(`{'\x41': 1}`), "a string has an escape"},
	{"no colon", file(`{'a' 1}`), "want a colon"},
	{"no key", file(`{1: 1}`), "want a key"},
	{"twice", file(`{'a': 1, 'a': 2}`), `"a" appears twice`},
	{"more", file(`{} {}`), "something follows the literal"},
	{"NUL", file("{}\x00"), "something follows the literal"},
	{"deep", file("{'a': " + strings.Repeat("(", 60_000)), "nested too deeply"},
	{"negative", file(`{'shape': (-1,), 'descr': '<f4', 'fortran_order': True}`), "no literal that a header can have"},
	{"fraction", file(`{'shape': (1.5,), 'descr': '<f4', 'fortran_order': True}`), "want a comma or )"},
	{"huge number", file(`{'shape': (99999999999999999999,), 'descr': '<f4', 'fortran_order': True}`), "99999999999999999999 is no size"},
	{"no shape", file(`{'descr': '<f4', 'fortran_order': True}`), "header: no shape"},
	{"other key", file(`{'shape': (), 'descr': '<f4', 'fortran_order': True, 'x': 1}`), "header: other keys than"},
	{"shape is a number", file(`{'shape': (1), 'descr': '<f4', 'fortran_order': True}`), "header: shape: not a tuple"},
	{"shape of text", file(`{'shape': ('1',), 'descr': '<f4', 'fortran_order': True}`), "header: shape: dimension 0 is no integer"},
	{"65 dimensions", file(`{'shape': (` + strings.Repeat("1,", 65) + `), 'descr': '<f4', 'fortran_order': True}`), "header: shape: 65 dimensions, at most 64"},
	{"order is a number", file(`{'shape': (1,), 'descr': '<f4', 'fortran_order': 1}`), "header: fortran_order is neither True nor False"},
	{"overflow", file(`{'shape': (4294967296, 4294967296), 'descr': '<f4', 'fortran_order': True}`), "has more bytes than memory has addresses"},
	{"type without size", file(`{'shape': (1,), 'descr': '<f', 'fortran_order': True}`), `header: descr: "<f" is no type`},
	{"empty type", file(`{'shape': (1,), 'descr': '', 'fortran_order': True}`), `header: descr: "" is no type`},
	{"type of no size", file(`{'shape': (1,), 'descr': '<fx', 'fortran_order': True}`), `header: descr: "<fx" is no type`},
	{"f3", file(`{'shape': (1,), 'descr': '<f3', 'fortran_order': True}`), `header: descr: type "<f3" is not supported`},
	{"structured", file(`{'shape': (1,), 'descr': [('a', '<f4')], 'fortran_order': True}`), `header: descr: structured types such as [[a <f4]] are not supported`},
}

func TestHostileHeaders(t *testing.T) {
	for _, tt := range hostile {
		_, err := npy.ReadHeader(bytes.NewReader(tt.file))
		require.ErrorContains(t, err, tt.want, tt.name)
	}
}

func TestTypesThatAreRefusedByName(t *testing.T) {
	for name, want := range map[string]string{
		"bad-structured.npy": "structured types such as [[x <f4] [y <i4]] are not supported",
		"bad-field-name.npy": "über",
		"bad-complex128.npy": `type "<c16" is not supported`,
		"bad-bytes.npy":      `type "|S3" is not supported`,
		"bad-text.npy":       `type "<U3" is not supported`,
		"bad-object.npy":     `"|O" is no type`,
		"bad-date.npy":       `"<M8[D]" is no type`,
	} {
		raw, err := os.ReadFile(corpus + name)
		require.NoError(t, err)
		_, err = npy.ReadHeader(bytes.NewReader(raw))
		require.ErrorContains(t, err, "header: descr: ", name)
		require.ErrorContains(t, err, want, name)
	}
}

func FuzzReadHeader(f *testing.F) {
	paths, err := filepath.Glob(corpus + "*.npy")
	require.NoError(f, err)
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		require.NoError(f, err)
		f.Add(raw)
	}
	for _, tt := range hostile {
		f.Add(tt.file)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		h, err := npy.ReadHeader(r)
		if err != nil {
			require.Nil(t, h)
			return
		}
		require.Equal(t, int64(len(raw)-r.Len()), h.HeaderBytes)
		n := int64(h.Size)
		for _, d := range h.Shape {
			require.GreaterOrEqual(t, d, 0)
			n *= int64(d)
		}
		require.Equal(t, n, h.Bytes)
	})
}
