package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/safetensors"
)

// file puts the length before a header and data bytes behind it.
func file(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

// tensor is a file of one tensor "t" with the given fields.
func tensor(fields string, data int) []byte { return file(`{"t":{`+fields+`}}`, data) }

var hostile = []struct {
	name string
	file []byte
	want string // after the file's name
}{
	{"empty", nil, "the file is empty"},
	{"seven bytes", make([]byte, 7), "not a safetensors file: 7 bytes are too short"},
	{"length of 2^60", append(binary.LittleEndian.AppendUint64(nil, 1<<60), '{'), "not a safetensors file: a header of 1152921504606846976 bytes is more than the format allows (100000000)"},
	{"length beyond the file", append(binary.LittleEndian.AppendUint64(nil, 99_999_999), '{'), "the header of 99999999 bytes is longer than the rest of the file (1 bytes)"},
	{"no header", file("", 0), "not a safetensors file: the header does not begin with {"},
	{"a list", file(`[{}]`, 0), "not a safetensors file: the header does not begin with {"},
	{"white space before", file(` {}`, 0), "not a safetensors file: the header does not begin with {"},
	{"not UTF-8", file("{\"\xff\":{}}", 0), "header: not valid UTF-8"},
	{"cut JSON", file(`{"t":`, 0), "header: tensor \"t\": unexpected EOF"},
	{"bad JSON", file(`{"t" {}}`, 0), "header: "},
	{"something after", file(`{}{}`, 0), "header: something follows the JSON object"},
	{"tensor is no object", file(`{"t":3}`, 0), `header: tensor "t": found 3, want {`},
	{"tensor is null", file(`{"t":null}`, 0), `header: tensor "t": found null, want {`},
	{"deep", file(`{"t":`+strings.Repeat("[", 1<<16), 0), `header: tensor "t": found [, want {`},
	{"deep below", tensor(`"shape":`+strings.Repeat("[", 1<<16), 0), `header: tensor "t": shape: found [, want an integer`},
	{"twice", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `header: "t" appears twice`},
	{"twice by escape", file(`{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0074":{}}`, 1), `header: "t" appears twice`},
	{"field twice", tensor(`"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]`, 1), `header: tensor "t": "dtype" appears twice`},
	{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), `header: "__metadata__" appears twice`},
	{"metadata key twice", file(`{"__metadata__":{"a":"b","a":"c"}}`, 0), `header: __metadata__: "a" appears twice`},
	{"metadata of one string", file(`{"__metadata__":"a"}`, 0), `header: __metadata__: found "a", want an object or null`},
	{"metadata of numbers", file(`{"__metadata__":{"a":1}}`, 0), `header: __metadata__: "a": found 1, want a string`},
	{"unknown field", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,1],"compression":"zip"`, 1), `header: tensor "t": unknown field "compression"`},
	{"no dtype", tensor(`"shape":[1],"data_offsets":[0,1]`, 1), `header: tensor "t": no dtype`},
	{"no shape", tensor(`"dtype":"U8","data_offsets":[0,1]`, 1), `header: tensor "t": no shape`},
	{"no offsets", tensor(`"dtype":"U8","shape":[1]`, 1), `header: tensor "t": data_offsets: 0 numbers, want 2`},
	{"one offset", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0]`, 1), `header: tensor "t": data_offsets: 1 numbers, want 2`},
	{"three offsets", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,1,2]`, 1), `header: tensor "t": data_offsets: more than 2 numbers`},
	{"offsets backwards", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,0]`, 1), `header: tensor "t": data_offsets: end 0 is before begin 1`},
	{"unknown dtype", tensor(`"dtype":"F7","shape":[1],"data_offsets":[0,1]`, 1), `header: tensor "t": unknown dtype "F7"`},
	{"dtype in lower case", tensor(`"dtype":"f32","shape":[1],"data_offsets":[0,4]`, 4), `header: tensor "t": unknown dtype "f32"`},
	{"key in upper case", tensor(`"DTYPE":"F32","shape":[1],"data_offsets":[0,4]`, 4), `header: tensor "t": unknown field "DTYPE"`},
	{"negative dimension", tensor(`"dtype":"U8","shape":[-1],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: -1 is no integer from 0 to 2^63-1`},
	{"fraction", tensor(`"dtype":"U8","shape":[1.0],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: 1.0 is no integer from 0 to 2^63-1`},
	{"exponent", tensor(`"dtype":"U8","shape":[1e0],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: 1e0 is no integer from 0 to 2^63-1`},
	{"dimension of 2^64", tensor(`"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: 18446744073709551616 is no integer from 0 to 2^63-1`},
	{"dimension as text", tensor(`"dtype":"U8","shape":["1"],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: found "1", want an integer`},
	{"33 dimensions", tensor(`"dtype":"U8","shape":[1`+strings.Repeat(",1", 32)+`],"data_offsets":[0,1]`, 1), `header: tensor "t": shape: more than 32 numbers`},
	{"elements overflow", tensor(`"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]`, 0), `header: tensor "t": shape [4294967296 4294967296] has more elements than memory has addresses`},
	{"bits overflow", tensor(`"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]`, 0), `header: tensor "t": shape [4611686018427387904] of F32 takes more than 2^64 bits`},
	{"half a byte", tensor(`"dtype":"F4","shape":[3],"data_offsets":[0,2]`, 2), `header: tensor "t": shape [3] of F4 does not fill whole bytes`},
	{"shape and offsets disagree", tensor(`"dtype":"F32","shape":[2,3],"data_offsets":[0,23]`, 23), `header: tensor "t": data_offsets hold 23 bytes, shape [2 3] of F32 takes 24`},
	{"beyond the file", tensor(`"dtype":"U8","shape":[9],"data_offsets":[0,9]`, 8), `tensor "t": 9 bytes at offset 0 are beyond the end of the data (8 bytes)`},
	{"far beyond the file", tensor(`"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]`, 8), `tensor "t": 1 bytes at offset 9223372036854775806 are beyond the end of the data (8 bytes)`},
	{"hole before", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`, 2), `tensor "t": 1 bytes before offset 1 of the data belong to no tensor`},
	{"hole behind", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,1]`, 3), `2 bytes at the end of the file belong to no tensor`},
	{"only a hole", file(`{}`, 1), `1 bytes at the end of the file belong to no tensor`},
	{"overlap", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]},"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}`, 6), `tensors "b" and "a" overlap at offset 2 of the data`},
	{"same place", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4), `tensors "a" and "b" overlap at offset 0 of the data`},
}

func TestHostileHeaders(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := safetensors.ParseHeader(bytes.NewReader(tt.file), int64(len(tt.file)), "bad")
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, tt.want)
			require.True(t, strings.HasPrefix(err.Error(), "safetensors: bad: "), err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "bytes allocated")
		})
	}
}

func TestSizeThatIsNotThere(t *testing.T) {
	raw := file(`{}`, 0)
	_, err := safetensors.ParseHeader(bytes.NewReader(raw[:4]), 100, "short")
	require.EqualError(t, err, "safetensors: short: header length: read at offset 4: unexpected EOF")
	_, err = safetensors.ParseHeader(bytes.NewReader(raw[:9]), 100, "short")
	require.EqualError(t, err, "safetensors: short: header: read at offset 9: unexpected EOF")
	_, err = safetensors.ParseHeader(bytes.NewReader(raw), -1, "short")
	require.EqualError(t, err, "safetensors: short: negative size -1")
	_, err = safetensors.ParseHeader(bytes.NewReader(raw), math.MaxInt64, "short")
	require.ErrorContains(t, err, "belong to no tensor")
}

func TestTruncatedAnywhere(t *testing.T) {
	raw, err := os.ReadFile("testdata/tiny.safetensors")
	require.NoError(t, err)
	for n := range raw {
		_, err := safetensors.ParseHeader(bytes.NewReader(raw[:n]), int64(n), "cut")
		require.ErrorContains(t, err, "safetensors: cut: ", "cut to %d bytes", n)
	}
}

func TestEveryBitFlipped(t *testing.T) {
	for _, name := range []string{"testdata/tiny.safetensors", "testdata/sharded/model-00001-of-00003.safetensors"} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		end := 8 + int(binary.LittleEndian.Uint64(raw))
		for i := range end * 8 {
			raw[i/8] ^= 1 << (i % 8)
			exercise(t, raw)
			raw[i/8] ^= 1 << (i % 8)
		}
	}
}

// exercise parses raw and, where that succeeds, demands that the tensors tile the data.
func exercise(t *testing.T, raw []byte) {
	h, err := safetensors.ParseHeader(bytes.NewReader(raw), int64(len(raw)), "input")
	if err != nil {
		require.True(t, strings.HasPrefix(err.Error(), "safetensors: input: "), err)
		return
	}
	end := int64(8 + binary.LittleEndian.Uint64(raw))
	for _, info := range h.Tensors {
		require.Equal(t, end, info.Offset)
		bits := int64(info.DType.Bits())
		for _, d := range info.Shape {
			bits *= int64(d)
		}
		require.Equal(t, bits, info.Size*8)
		end += info.Size
		same, ok := h.Tensor(info.Name)
		require.True(t, ok)
		require.Equal(t, info, same)
	}
	require.Equal(t, int64(len(raw)), end)
}
