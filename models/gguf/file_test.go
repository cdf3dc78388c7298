package gguf_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

func open(t testing.TB, name string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// The expected values are what dump.py gave to the writer of the Python package gguf.
func TestMetadataOfEveryKind(t *testing.T) {
	f := open(t, "metadata.gguf")
	want := []struct {
		key   string
		value any
	}{
		{"general.architecture", "test"},
		{"u8", uint8(200)}, {"i8", int8(-100)}, {"u16", uint16(60000)}, {"i16", int16(-30000)},
		{"u32", uint32(4000000000)}, {"i32", int32(-2000000000)},
		{"u64", uint64(math.MaxUint64)}, {"i64", int64(math.MinInt64)},
		{"f32", float32(0.15625)}, {"f64", 1e300}, {"yes", true}, {"no", false},
		{"text", "na\u00efve \u4e16\u754c"},
		{"array.uint8", []uint8{1, 255}}, {"array.int8", []int8{-1, 127}},
		{"array.uint16", []uint16{1, 65535}}, {"array.int16", []int16{-1, 32767}},
		{"array.uint32", []uint32{1, math.MaxUint32}}, {"array.int32", []int32{-1, math.MaxInt32}},
		{"array.uint64", []uint64{1, 1 << 63}}, {"array.int64", []int64{-1, math.MaxInt64}},
		{"array.float32", []float32{0.5, -2}}, {"array.float64", []float64{0.1, -1e-300}},
		{"array.bool", []bool{true, false}}, {"array.string", []string{"a", "", "bc"}},
		{"nested", nil},
		{"general.alignment", uint32(64)},
	}
	i := 0
	for key, v := range f.All() {
		require.Less(t, i, len(want), key)
		require.Equal(t, want[i].key, key, "order")
		if key != "nested" {
			require.Equal(t, want[i].value, v.Any(), key)
		}
		i++
	}
	require.Equal(t, len(want), i)
	require.Equal(t, len(want), f.Len())

	v, ok := f.Lookup("nested")
	require.True(t, ok)
	require.Equal(t, gguf.KindArray, v.Elem)
	var got [][]int32
	for _, row := range v.Any().([]gguf.Value) {
		got = append(got, row.Any().([]int32))
	}
	require.Equal(t, [][]int32{{1, 2}, {3}, {4, 5, 6}}, got)
}

func TestGettersConvertWhatFits(t *testing.T) {
	f := open(t, "metadata.gguf")
	for key, want := range map[string]int64{"u8": 200, "i8": -100, "u16": 60000, "i16": -30000, "u32": 4000000000, "i32": -2000000000, "i64": math.MinInt64} {
		got, err := f.Int(key)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}
	u, err := f.Uint("u64")
	require.NoError(t, err)
	require.Equal(t, uint64(math.MaxUint64), u)
	x, err := f.Float("f32")
	require.NoError(t, err)
	require.Equal(t, 0.15625, x)
	b, err := f.Bool("yes")
	require.NoError(t, err)
	require.True(t, b)
	s, err := f.String("text")
	require.NoError(t, err)
	require.Equal(t, "na\u00efve \u4e16\u754c", s)
	ints, err := f.Ints("array.int8")
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 127}, ints)
	uints, err := f.Uints("array.uint64")
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 1 << 63}, uints)
	floats, err := f.Floats("array.float32")
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, -2}, floats)
	floats, err = f.Floats("array.float64")
	require.NoError(t, err)
	require.Equal(t, []float64{0.1, -1e-300}, floats)
	bools, err := f.Bools("array.bool")
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, bools)
	strs, err := f.Strings("array.string")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "", "bc"}, strs)
}

func TestGettersNameFileAndKey(t *testing.T) {
	f := open(t, "metadata.gguf")
	const file = "gguf: testdata/metadata.gguf: metadata "
	get := func(_ any, err error) error { return err }
	tests := []struct {
		err  error
		want string
	}{
		{get(f.String("u8")), `"u8" is uint8, want string`},
		{get(f.String("array.string")), `"array.string" is array of string, want string`},
		{get(f.Strings("text")), `"text" is string, want array of string`},
		{get(f.Strings("nested")), `"nested" is array of array, want array of string`},
		{get(f.Int("u64")), `"u64": element 0 does not fit int64`},
		{get(f.Uint("i8")), `"i8": element 0 does not fit uint64`},
		{get(f.Int("f32")), `"f32" is float32, want integer`},
		{get(f.Ints("array.uint64")), `"array.uint64": element 1 does not fit int64`},
		{get(f.Uints("array.int16")), `"array.int16": element 0 does not fit uint64`},
		{get(f.Ints("array.bool")), `"array.bool" is array of bool, want array of integer`},
		{get(f.Float("u8")), `"u8" is uint8, want float`},
		{get(f.Floats("array.int8")), `"array.int8" is array of int8, want array of float`},
		{get(f.Bool("u8")), `"u8" is uint8, want bool`},
		{get(f.Bools("yes")), `"yes" is bool, want array of bool`},
		{get(f.Uint("absent")), `"absent": no such metadata key`},
	}
	for _, tt := range tests {
		require.EqualError(t, tt.err, file+tt.want)
	}
	require.ErrorIs(t, get(f.Strings("absent")), gguf.ErrNotFound)
	require.NotErrorIs(t, get(f.Strings("text")), gguf.ErrNotFound)
}

func TestTypesAgreeWithTheReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/types.json")
	require.NoError(t, err)
	var want map[string][3]int
	require.NoError(t, json.Unmarshal(raw, &want))
	known := 0
	for i := range gguf.Type(1000) {
		if i.BlockSize() > 0 {
			known++
		}
	}
	require.Equal(t, len(want), known)
	for name, w := range want {
		typ := gguf.Type(w[0])
		require.Equal(t, name, typ.String())
		require.Equal(t, w[1], typ.BlockSize(), name)
		require.Equal(t, w[2], typ.BlockBytes(), name)
		require.Equal(t, w[1] > 1, typ.IsQuantized(), name)
	}
}

func TestTensors(t *testing.T) {
	f := open(t, "metadata.gguf")
	require.Equal(t, uint32(3), f.Version)
	require.Equal(t, 64, f.Alignment)
	require.Len(t, f.Tensors, 2)
	a, ok := f.Tensor("a")
	require.True(t, ok)
	require.Equal(t, gguf.TypeF32, a.Type)
	require.Equal(t, []int{5}, a.Shape)
	require.Zero(t, a.Offset%64)
	data, err := f.Data(a)
	require.NoError(t, err)
	floats := make([]float32, 5)
	_, err = binary.Decode(data, binary.LittleEndian, floats)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 1, 2, 3, 4}, floats)

	b, ok := f.Tensor("b")
	require.True(t, ok)
	require.Equal(t, []int{2, 3}, b.Shape, "row-major")
	require.Equal(t, 6, b.Elements())
	data, err = f.Data(b)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45}, data)

	_, ok = f.Tensor("c")
	require.False(t, ok)
	_, err = f.Data(gguf.TensorInfo{Name: "a", Offset: 0, Size: 1 << 40})
	require.EqualError(t, err, `gguf: testdata/metadata.gguf: tensor "a" is not in this file`)
}

func TestParseReadsWhatOpenMaps(t *testing.T) {
	for _, name := range []string{"metadata.gguf", "tiny.gguf", "q5_1.gguf"} {
		mapped := open(t, name)
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		for _, version := range []byte{2, 3} { // the two differ in big-endian files only
			raw[4] = version
			f, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), mapped.Name())
			require.NoError(t, err)
			require.Equal(t, uint32(version), f.Version)
			require.Equal(t, mapped.Metadata, f.Metadata)
			require.Equal(t, mapped.Tensors, f.Tensors)
			for _, info := range f.Tensors {
				want, err := mapped.Data(info)
				require.NoError(t, err)
				got, err := f.Data(info)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			require.NoError(t, f.Close())
		}
	}
}

func TestClose(t *testing.T) {
	f := open(t, "tiny.gguf")
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err := f.Data(f.Tensors[0])
	require.ErrorIs(t, err, gguf.ErrClosed)
	require.EqualError(t, err, `gguf: testdata/tiny.gguf: tensor "token_embd.weight": file is closed`)
	arch, err := f.String("general.architecture")
	require.NoError(t, err, "the header outlives the mapping")
	require.Equal(t, "llama", arch)
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := gguf.Open(filepath.Join(dir, "absent.gguf"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "absent.gguf")
	_, err = gguf.Open(dir)
	require.EqualError(t, err, "gguf: "+dir+": not a regular file")
	empty := filepath.Join(dir, "empty.gguf")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = gguf.Open(empty)
	require.EqualError(t, err, "gguf: "+empty+": the file is empty")
}
