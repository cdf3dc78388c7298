package gguf_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// rewrite writes a file anew.
func rewrite(t testing.TB, f *gguf.File) []byte {
	t.Helper()
	var metadata []gguf.Pair
	for k, v := range f.All() {
		again, err := gguf.NewValue(v.Any())
		require.NoError(t, err)
		require.Equal(t, [3]any{v.Kind, v.Elem, v.Len()}, [3]any{again.Kind, again.Elem, again.Len()})
		metadata = append(metadata, gguf.Pair{Key: k, Value: again})
	}
	l, err := gguf.NewLayout(metadata, f.Tensors)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, l.Write(&out, func(w io.Writer, info gguf.TensorInfo) error {
		require.Equal(t, int64(out.Len()), info.Offset)
		stored, _ := f.Tensor(info.Name)
		data, err := f.Data(stored)
		require.NoError(t, err)
		_, err = w.Write(data)
		return err
	}))
	return out.Bytes()
}

// TestWritesTheBytesOfTheReference: the files are those of the Python package gguf, with every kind of metadata and
// quantised tensors.
func TestWritesTheBytesOfTheReference(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.gguf")
	require.NoError(t, err)
	seen := 0
	for _, path := range paths {
		if filepath.Base(path) == "bigendian.gguf" {
			continue
		}
		f, err := gguf.Open(path)
		require.NoError(t, err)
		if f.Version == 3 {
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), string(rewrite(t, f)), path)
			seen++
		}
		require.NoError(t, f.Close())
	}
	require.GreaterOrEqual(t, seen, 8)
}

func TestNewLayoutRefuses(t *testing.T) {
	f32 := func(name string, shape ...int) gguf.TensorInfo {
		return gguf.TensorInfo{Name: name, Shape: shape}
	}
	one, err := gguf.NewValue(uint8(1))
	require.NoError(t, err)
	pair := func(key string, v gguf.Value) []gguf.Pair { return []gguf.Pair{{Key: key, Value: v}} }
	tests := []struct {
		want     string
		metadata []gguf.Pair
		tensors  []gguf.TensorInfo
	}{
		{`metadata "a" appears twice`, append(pair("a", one), pair("a", one)...), nil},
		{`metadata "a" has no value`, pair("a", gguf.Value{}), nil},
		{`metadata key of 65536 bytes is longer than 65535`, pair(strings.Repeat("a", 1<<16), one), nil},
		{`metadata "general.alignment": 1 is no uint32`, pair("general.alignment", one), nil},
		{`tensor "a" appears twice`, nil, []gguf.TensorInfo{f32("a"), f32("a")}},
		{`tensor "a": 5 dimensions, at most 4`, nil, []gguf.TensorInfo{f32("a", 1, 1, 1, 1, 1)}},
		{`tensor "a": dimension 1 is 0, and GGUF has no empty tensors`, nil, []gguf.TensorInfo{f32("a", 1, 0)}},
		{`tensor "a": unknown type 99`, nil, []gguf.TensorInfo{{Name: "a", Type: 99, Shape: []int{1}}}},
		{`tensor "a": rows of shape [33] are not whole blocks of 32 elements of Q4_0`, nil, []gguf.TensorInfo{{Name: "a", Type: gguf.TypeQ4_0, Shape: []int{33}}}},
		{`tensor "b": the file would be longer than 2^62 bytes`, nil, []gguf.TensorInfo{f32("a", 1), f32("b", 1<<60)}},
	}
	for _, tt := range tests {
		_, err := gguf.NewLayout(tt.metadata, tt.tensors)
		require.ErrorContains(t, err, "gguf: "+tt.want)
	}
	for _, v := range []any{1, uint(1), []int{1}, nil, struct{}{}, complex64(1), []gguf.Value{one}, []gguf.Value{{}}} {
		_, err := gguf.NewValue(v)
		require.ErrorContains(t, err, "gguf: ")
	}
	deep := one
	for range 12 {
		if deep.Kind == gguf.KindArray {
			deep, err = gguf.NewValue([]gguf.Value{deep})
		} else {
			deep, err = gguf.NewValue([]uint8{1})
		}
		require.NoError(t, err)
	}
	_, err = gguf.NewLayout(pair("deep", deep), nil)
	require.ErrorContains(t, err, `metadata "deep": `)
	require.ErrorContains(t, err, "arrays are nested deeper than 8")
}

func TestWriteChecksWhatItIsGiven(t *testing.T) {
	l, err := gguf.NewLayout(nil, []gguf.TensorInfo{{Name: "a", Shape: []int{2}}})
	require.NoError(t, err)
	mine := errors.New("mine")
	err = l.Write(io.Discard, func(w io.Writer, _ gguf.TensorInfo) error { _, err := w.Write(make([]byte, 4)); return err })
	require.ErrorContains(t, err, `gguf: tensor "a": 4 bytes were written, F32 of shape [2] takes 8`)
	err = l.Write(io.Discard, func(io.Writer, gguf.TensorInfo) error { return mine })
	require.ErrorIs(t, err, mine)
}

// FuzzRewrite: what can be read can be written, and is read alike.
func FuzzRewrite(f *testing.F) {
	for _, name := range []string{"tiny.gguf", "metadata.gguf", "q5_1.gguf"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), "fuzz")
		if err != nil || file.Alignment > 1<<20 {
			return
		}
		out := rewrite(t, file)
		again, err := gguf.Parse(bytes.NewReader(out), int64(len(out)), "fuzz")
		require.NoError(t, err)
		require.Equal(t, file.Len(), again.Len())
		require.Equal(t, out, rewrite(t, again))
	})
}
