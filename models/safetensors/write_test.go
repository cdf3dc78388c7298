package safetensors_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// rewrite writes the tensors and the metadata of a file anew.
func rewrite(t testing.TB, f *safetensors.File) []byte {
	t.Helper()
	shuffled := slices.Clone(f.Tensors)
	slices.Reverse(shuffled)
	h, err := safetensors.NewHeader(shuffled, f.Metadata)
	require.NoError(t, err)
	var out bytes.Buffer
	n, err := h.WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, int64(out.Len()), n)
	for _, info := range h.Tensors {
		require.Equal(t, int64(out.Len()), info.Offset)
		stored, ok := f.Tensor(info.Name)
		require.True(t, ok)
		data, err := f.Data(stored)
		require.NoError(t, err)
		out.Write(data)
	}
	return out.Bytes()
}

// TestWritesTheBytesOfTheReference: the files are the reference implementation's.
func TestWritesTheBytesOfTheReference(t *testing.T) {
	for _, name := range []string{"tiny.safetensors", "dtypes.safetensors"} {
		want, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Equal(t, string(want), string(rewrite(t, open(t, name))), name)
	}
}

func TestReadHeaderOfAStream(t *testing.T) {
	raw, err := os.ReadFile("testdata/tiny.safetensors")
	require.NoError(t, err)
	want, err := safetensors.ParseHeader(bytes.NewReader(raw), int64(len(raw)), "file")
	require.NoError(t, err)
	r := iotest.HalfReader(bytes.NewReader(raw))
	got, err := safetensors.ReadHeader(r, "stream")
	require.NoError(t, err)
	require.Equal(t, want, got)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, raw[got.Tensors[0].Offset:], rest)
	for n := range got.Tensors[0].Offset {
		_, err := safetensors.ReadHeader(bytes.NewReader(raw[:n]), "stream")
		require.ErrorContains(t, err, "safetensors: stream: ")
	}
}

// TestStreamsAreCheckedAsFilesAre, but for their end.
func TestStreamsAreCheckedAsFilesAre(t *testing.T) {
	for _, tt := range hostile {
		if strings.Contains(tt.want, "end of the") || strings.Contains(tt.want, "longer than the rest") || len(tt.file) < 8 {
			continue
		}
		_, err := safetensors.ReadHeader(bytes.NewReader(tt.file), "stream")
		require.ErrorContains(t, err, "safetensors: stream: "+tt.want, tt.name)
	}
}

func TestNewHeaderRefuses(t *testing.T) {
	u8 := func(name string, shape ...int) safetensors.TensorInfo {
		return safetensors.TensorInfo{Name: name, DType: safetensors.U8, Shape: shape}
	}
	var huge []safetensors.TensorInfo
	for _, name := range strings.Split("abcdefgh", "") {
		huge = append(huge, u8(name, 1<<60))
	}
	for want, tensors := range map[string][]safetensors.TensorInfo{
		`tensor "a": the name appears twice`:                             {u8("a"), u8("a")},
		`tensor "__metadata__": the format does not allow this name`:     {u8("__metadata__")},
		`tensor "\xff": the format does not allow this name`:             {u8("\xff")},
		`tensor "a": shape: dimension 1 is -1`:                           {u8("a", 1, -1)},
		`tensor "a": shape: 33 dimensions`:                               {u8("a", make([]int, 33)...)},
		`tensor "a": unknown dtype "X"`:                                  {{Name: "a", DType: "X"}},
		`tensor "a": shape [3] of F4 does not fill whole bytes`:          {{Name: "a", DType: safetensors.F4, Shape: []int{3}}},
		`tensor "h": the file would be longer than 2^63 bytes`:           huge,
		`tensor "a": shape [4611686018427387904] of F64 takes more than`: {{Name: "a", DType: safetensors.F64, Shape: []int{1 << 62}}},
	} {
		_, err := safetensors.NewHeader(tensors, nil)
		require.ErrorContains(t, err, "safetensors: "+want)
	}
	_, err := safetensors.NewHeader(nil, map[string]string{"a": "\xff"})
	require.ErrorContains(t, err, `safetensors: metadata "a": not valid UTF-8`)
	read := open(t, "tiny.safetensors")
	_, err = read.WriteTo(io.Discard)
	require.ErrorContains(t, err, "the header was read, not made by NewHeader")
}

// FuzzWrite: what NewHeader makes is what the reader reads.
func FuzzWrite(f *testing.F) {
	f.Add("a", "b", uint8(2), uint8(3), uint16(5), "format", "pt")
	f.Add("x<&>\u2028", "\"\\\n", uint8(0), uint8(21), uint16(0), "\x00", "\u00e9")
	dtypes := []safetensors.DType{"BOOL", "F4", "F6_E2M3", "U8", "F16", "BF16", "F32", "C64", "I64"}
	f.Fuzz(func(t *testing.T, a, b string, d1, d2 uint8, n uint16, key, value string) {
		tensors := []safetensors.TensorInfo{
			{Name: a, DType: dtypes[int(d1)%len(dtypes)], Shape: []int{int(n), 2}},
			{Name: b, DType: dtypes[int(d2)%len(dtypes)], Shape: []int{}},
		}
		h, err := safetensors.NewHeader(tensors, map[string]string{key: value})
		if err != nil {
			return
		}
		var out bytes.Buffer
		_, err = h.WriteTo(&out)
		require.NoError(t, err)
		size := out.Len()
		for _, info := range h.Tensors {
			size += int(info.Size)
		}
		got, err := safetensors.ParseHeader(bytes.NewReader(append(out.Bytes(), make([]byte, size-out.Len())...)), int64(size), "made")
		require.NoError(t, err)
		require.Equal(t, h.Tensors, got.Tensors)
		require.Len(t, got.Metadata, 1)
	})
}
