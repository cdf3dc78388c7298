package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// header writes GGUF by hand: strings with their length, everything else as it is.
func header(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		if s, ok := p.(string); ok {
			out = binary.LittleEndian.AppendUint64(out, uint64(len(s)))
			out = append(out, s...)
			continue
		}
		var err error
		if out, err = binary.Append(out, binary.LittleEndian, p); err != nil {
			panic(err)
		}
	}
	return out
}

var magic = []byte("GGUF")

const (
	one  = uint64(1)
	none = uint64(0)
	huge = uint64(1) << 60
	v3   = uint32(3)
)

// tensors builds a file without metadata whose data begin at the next multiple of 32.
func tensors(n uint64, data int, parts ...any) []byte {
	h := header(append([]any{magic, v3, n, none}, parts...)...)
	for len(h)%32 != 0 {
		h = append(h, 0)
	}
	return append(h, make([]byte, data)...)
}

func dims(d ...uint64) []byte { return header(uint32(len(d)), d) }

func nested(depth int) []byte {
	var out []byte
	for range depth - 1 {
		out = append(out, header(uint32(gguf.KindArray), one)...)
	}
	return append(out, header(uint32(gguf.KindUint8), none)...)
}

func meta(kind gguf.Kind, parts ...any) []byte {
	return header(append([]any{magic, v3, none, one, "key", uint32(kind)}, parts...)...)
}

var hostile = []struct {
	name string
	file []byte
	want string // after the file's name
}{
	{"empty", nil, "the file is empty"},
	{"three bytes", []byte("GGU"), "magic: 4 bytes wanted at offset 0, 3 left in the file: unexpected EOF"},
	{"zip", []byte("PK\x03\x04 and more"), `not a GGUF file: it begins with "PK\x03\x04"`},
	{"older format", []byte("tjgg\x03\x00\x00\x00"), "not a GGUF file but one of ggml's older formats; convert the model again"},
	{"version 1", header(magic, uint32(1)), "GGUF version 1 is not supported; convert the model again (2 and 3 are read)"},
	{"version 0", header(magic, uint32(0)), "GGUF version 0 is not supported (2 and 3 are)"},
	{"version 4", header(magic, uint32(4)), "GGUF version 4 is not supported (2 and 3 are)"},
	{"big-endian", header(magic, uint32(3<<24)), "big-endian GGUF (version 3) is not supported; convert it to little-endian"},
	{"tensor count", header(magic, v3, huge, none), "tensor count: 1152921504606846976 entries of at least 24 bytes cannot fit in the 8 bytes left in the file"},
	{"metadata count", header(magic, v3, none, huge), "metadata count: 1152921504606846976 entries of at least 13 bytes cannot fit in the 0 bytes left in the file"},
	{"key length", header(magic, v3, none, one, huge, make([]byte, 16)), "metadata key 0: string of 1152921504606846976 bytes at offset 32 is longer than 65535"},
	{"key beyond the file", header(magic, v3, none, one, uint64(17), make([]byte, 16)), "metadata key 0: 17 bytes wanted at offset 32, 16 left in the file: unexpected EOF"},
	{"duplicate key", header(magic, v3, none, uint64(2), "key", uint32(0), uint8(1), "key", uint32(0), uint8(2)), `metadata "key" appears twice`},
	{"value type", meta(13, none), `metadata "key": unknown value type 13`},
	{"string length", meta(gguf.KindString, uint64(math.MaxUint64)), `metadata "key": element 0: string of 18446744073709551615 bytes at offset 47 is longer than 67108864`},
	{"bool", meta(gguf.KindBool, uint8(2)), `metadata "key": bool has the value 2, which is neither 0 nor 1`},
	{"element type", meta(gguf.KindArray, uint32(99), none), `metadata "key": unknown array element type 99`},
	{"array length", meta(gguf.KindArray, uint32(gguf.KindFloat64), huge), `metadata "key": array of float64: 1152921504606846976 entries of at least 8 bytes cannot fit in the 0 bytes left in the file`},
	{"array of empty strings", meta(gguf.KindArray, uint32(gguf.KindString), uint64(3), make([]byte, 16)), `metadata "key": array of string: 3 entries of at least 8 bytes cannot fit in the 16 bytes left in the file`},
	{"array string beyond the file", meta(gguf.KindArray, uint32(gguf.KindString), uint64(2), "a", uint64(9), make([]byte, 3)), `metadata "key": element 1: 9 bytes wanted at offset 68, 3 left in the file: unexpected EOF`},
	{"arrays too deep", meta(gguf.KindArray, nested(9)), `element 0: arrays are nested deeper than 8`},
	{"alignment type", header(magic, v3, none, one, "general.alignment", uint32(gguf.KindUint64), uint64(32)), `metadata "general.alignment" is uint64, want uint32`},
	{"alignment 0", header(magic, v3, none, one, "general.alignment", uint32(gguf.KindUint32), uint32(0)), `metadata "general.alignment": 0 is not a power of two up to 2^30`},
	{"alignment 48", header(magic, v3, none, one, "general.alignment", uint32(gguf.KindUint32), uint32(48)), `metadata "general.alignment": 48 is not a power of two up to 2^30`},
	{"dimensions", tensors(1, 0, "t", dims(1, 1, 1, 1, 1)), `tensor "t": 5 dimensions, at most 4 are possible`},
	{"dimension 0", tensors(1, 0, "t", dims(4, 0), uint32(0), none), `tensor "t": dimension 1 is 0`},
	{"dimension beyond int", tensors(1, 0, "t", dims(math.MaxUint64), uint32(0), none), `tensor "t": dimension 0 is 18446744073709551615`},
	{"elements overflow", tensors(1, 0, "t", dims(1<<40, 1<<40), uint32(0), none), `tensor "t": shape [1099511627776 1099511627776] has more elements than memory has addresses`},
	{"elements wrap to little", tensors(1, 64, "t", dims(1<<32, 1<<32), uint32(0), none), `tensor "t": shape [4294967296 4294967296] has more elements than memory has addresses`},
	{"bytes overflow", tensors(1, 0, "t", dims(1<<62), uint32(gguf.TypeF64), none), `tensor "t": shape [4611686018427387904] of F64 takes more than 2^64 bytes`},
	{"unknown type", tensors(1, 0, "t", dims(4), uint32(99), none), `tensor "t": unknown type 99`},
	{"withdrawn type", tensors(1, 0, "t", dims(4), uint32(31), none), `tensor "t": type Q4_0_4_4 (31) was withdrawn from ggml; convert the model again`},
	{"part of a block", tensors(1, 64, "t", dims(48), uint32(gguf.TypeQ4_0), none), `tensor "t": rows of shape [48] are not whole blocks of 32 elements of Q4_0`},
	{"offset beyond the file", tensors(1, 64, "t", dims(4), uint32(0), huge), `tensor "t": 16 bytes at offset 1152921504606846976 of the data are beyond the end of the file (71 bytes left)`},
	{"offset overflow", tensors(1, 64, "t", dims(4), uint32(0), uint64(math.MaxUint64-15)), `tensor "t": 16 bytes at offset 18446744073709551600 of the data are beyond the end of the file (71 bytes left)`},
	{"offset misaligned", tensors(1, 64, "t", dims(4), uint32(0), uint64(8)), `tensor "t": offset 8 is not a multiple of the alignment 32`},
	{"data one byte short", tensors(1, 63, "t", dims(16), uint32(0), none), `tensor "t": 64 bytes at offset 0 are beyond the end of the data (63 bytes)`},
	{"no data at all", tensors(1, 0, "t", dims(1), uint32(0), none)[:57], `tensor "t": 4 bytes at offset 0 of the data are beyond the end of the file (0 bytes left)`},
	{"duplicate tensor", tensors(2, 64, "t", dims(4), uint32(0), none, "t", dims(4), uint32(0), uint64(32)), `tensor "t" appears twice`},
	{"overlap", tensors(2, 128, "a", dims(4), uint32(0), uint64(32), "b", dims(9), uint32(0), none), `tensors "b" and "a" overlap at offset 128`},
	{"same place", tensors(2, 128, "a", dims(4), uint32(0), none, "b", dims(4), uint32(0), none), `overlap at offset 96`},
}

func TestHostileHeaders(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := gguf.Parse(bytes.NewReader(tt.file), int64(len(tt.file)), "bad.gguf")
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, tt.want)
			require.True(t, strings.HasPrefix(err.Error(), "gguf: bad.gguf: "), err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "bytes allocated")
		})
	}
}

func TestNestedArraysWithinTheLimit(t *testing.T) {
	raw := meta(gguf.KindArray, nested(8))
	f, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), "nested")
	require.NoError(t, err)
	require.True(t, f.Has("key"))
}

// sparse is a file that is nothing but zeros behind its first bytes, of any size on paper.
type sparse []byte

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s)) {
		copy(p, s[off:])
	}
	return len(p), nil
}

func TestSparseFile(t *testing.T) {
	raw := header(magic, v3, none, one, "key", uint32(gguf.KindArray), uint32(gguf.KindUint8), huge)
	_, err := gguf.Parse(sparse(raw), math.MaxInt64, "sparse")
	require.EqualError(t, err, `gguf: sparse: metadata "key": array of uint8: 1152921504606846976 entries are more than a header may hold (268435456)`)

	raw = header(magic, v3, uint64(1)<<40, none)
	_, err = gguf.Parse(sparse(raw), math.MaxInt64, "sparse")
	require.EqualError(t, err, `gguf: sparse: tensor count: 1099511627776 entries are more than a header may hold (1048576)`)

	raw = tensors(1, 0, "t", dims(1<<60), uint32(gguf.TypeF32), none)
	f, err := gguf.Parse(sparse(raw), math.MaxInt64, "sparse")
	require.NoError(t, err, "large, but all there")
	require.Equal(t, 1<<60, f.Tensors[0].Elements())

	_, err = gguf.Parse(bytes.NewReader(raw), 1<<40, "short")
	require.EqualError(t, err, `gguf: short: magic: read at offset 64: unexpected EOF`)

	_, err = gguf.Parse(bytes.NewReader(raw), -1, "negative")
	require.EqualError(t, err, `gguf: negative: negative size -1`)
}

func TestTruncatedAnywhere(t *testing.T) {
	for _, name := range []string{"testdata/metadata.gguf", "testdata/q4_1.gguf"} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		whole, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), name)
		require.NoError(t, err)
		var end int64 // without the padding after the last tensor
		for _, info := range whole.Tensors {
			end = max(end, info.Offset+info.Size)
		}
		for n := range end {
			_, err := gguf.Parse(bytes.NewReader(raw[:n]), n, name)
			require.ErrorContains(t, err, "gguf: "+name+": ", "cut to %d bytes", n)
			_, err = gguf.Parse(bytes.NewReader(raw[:n]), int64(len(raw)), name)
			if n < whole.Tensors[0].Offset-int64(whole.Alignment) {
				require.Error(t, err, "cut to %d bytes behind the reader's back", n)
			}
		}
	}
}

// A flipped bit may leave a valid header; it must never bring down the reader or let a tensor leave the file.
func TestEveryBitFlipped(t *testing.T) {
	for _, name := range []string{"testdata/metadata.gguf", "testdata/q4_1.gguf"} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		whole, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), name)
		require.NoError(t, err)
		for i := range int(whole.Tensors[0].Offset) * 8 {
			raw[i/8] ^= 1 << (i % 8)
			exercise(t, raw)
			raw[i/8] ^= 1 << (i % 8)
		}
	}
}

// exercise parses raw and, where that succeeds, uses all that the file offers.
func exercise(t *testing.T, raw []byte) {
	f, err := gguf.Parse(bytes.NewReader(raw), int64(len(raw)), "input")
	if err != nil {
		require.True(t, strings.HasPrefix(err.Error(), "gguf: input: "), err)
		return
	}
	for key, v := range f.All() {
		_, _ = f.Ints(key)
		_, _ = f.Float(key)
		_, _ = f.Strings(key)
		require.LessOrEqual(t, v.Len(), len(raw))
		_ = v.Any()
	}
	for _, info := range f.Tensors {
		data, err := f.Data(info)
		require.NoError(t, err)
		require.Equal(t, raw[info.Offset:info.Offset+info.Size], data)
	}
}
