package quant_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// halves are the places of a block's float16 numbers: the scale, the minimum.
var halves = map[gguf.Type][]int{
	gguf.TypeQ4_0: {0}, gguf.TypeQ4_1: {0, 2}, gguf.TypeQ5_0: {0}, gguf.TypeQ5_1: {0, 2}, gguf.TypeQ8_0: {0},
	gguf.TypeQ2K: {80, 82}, gguf.TypeQ3K: {108}, gguf.TypeQ4K: {0, 2}, gguf.TypeQ5K: {0, 2}, gguf.TypeQ6K: {208},
	gguf.TypeIQ4NL: {0}, gguf.TypeIQ4XS: {0}, gguf.TypeF16: {0}, gguf.TypeBF16: {0},
}

// random makes a tensor of rows that differ, with a scale of 1 in every block.
func random(typ gguf.Type, rows, cols int) (gguf.TensorInfo, []byte) {
	size := rows * cols / typ.BlockSize() * typ.BlockBytes()
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(data)
	for at := 0; at < size; at += typ.BlockBytes() {
		for i, place := range halves[typ] {
			binary.LittleEndian.PutUint16(data[at+place:], [...]uint16{0x3c00, 0xbc00}[i])
		}
		if typ == gguf.TypeMXFP4 {
			data[at] = 127
		}
	}
	return gguf.TensorInfo{Name: "w", Type: typ, Shape: []int{rows, cols}, Size: int64(size)}, data
}

func TestManyRowsOnAnyNumberOfGoroutines(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ5_1, gguf.TypeQ8_0, gguf.TypeQ5K, gguf.TypeQ3K, gguf.TypeF16} {
		info, data := random(typ, 700, 256) // several chunks, the last one short
		one := make([]float32, info.Elements())
		require.NoError(t, quant.Dequantize(info, data, one, quant.WithWorkers(1)))
		many := make([]float32, info.Elements())
		require.NoError(t, quant.Dequantize(info, data, many, quant.WithWorkers(7)))
		require.Equal(t, one, many)
		if typ == gguf.TypeF16 {
			continue
		}
		var a quant.Affine
		require.NoError(t, quant.Repack(info, data, &a, quant.WithWorkers(7)))
		require.Equal(t, one, expand(&a), typ.String())
	}
}

// The rows of two heads of six rows, as the converter of llama.cpp leaves them: its permute() turns rows
// 0 1 2 3 4 5 of a head into 0 3 1 4 2 5.
func TestHalvesFromPairs(t *testing.T) {
	order, err := quant.HalvesFromPairs(2, 6)
	require.NoError(t, err)
	file := []string{"a0", "a3", "a1", "a4", "a2", "a5", "b0", "b3", "b1", "b4", "b2", "b5"}
	got := make([]string, len(file))
	require.NoError(t, quant.PermuteRows(got, file, order))
	require.Equal(t, []string{"a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "b2", "b3", "b4", "b5"}, got)
	for _, bad := range [][2]int{{0, 4}, {2, 3}, {2, 0}, {-1, 2}, {math.MaxInt / 2, 8}} {
		_, err := quant.HalvesFromPairs(bad[0], bad[1])
		require.ErrorContains(t, err, "have no halves")
	}
}

// Every way of putting rows in order gives the same matrix.
func TestRowOrder(t *testing.T) {
	order, err := quant.HalvesFromPairs(3, 4)
	require.NoError(t, err)
	info, data := random(gguf.TypeQ5_0, 12, 64)
	rows := make([]float32, info.Elements())
	require.NoError(t, quant.Dequantize(info, data, rows))
	want := make([]float32, len(rows))
	require.NoError(t, quant.PermuteRows(want, rows, order))
	require.NotEqual(t, rows, want)

	got := make([]float32, len(rows))
	require.NoError(t, quant.Dequantize(info, data, got, quant.WithRowOrder(order)))
	require.Equal(t, want, got, "while dequantising")

	var a quant.Affine
	require.NoError(t, quant.Repack(info, data, &a, quant.WithRowOrder(order)))
	require.Equal(t, want, expand(&a), "while repacking")

	require.NoError(t, quant.Repack(info, data, &a))
	b, err := a.Permuted(order)
	require.NoError(t, err)
	require.Equal(t, want, expand(b), "after repacking")

	raw := make([]byte, len(data))
	require.NoError(t, quant.PermuteRows(raw, data, order))
	require.NoError(t, quant.Dequantize(info, raw, got))
	require.Equal(t, want, got, "before dequantising")

	for _, bad := range [][]int{{}, {0, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12}, {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}} {
		require.ErrorContains(t, quant.Dequantize(info, data, got, quant.WithRowOrder(bad)), `quant: tensor "w" (Q5_0): `)
		require.ErrorContains(t, quant.PermuteRows(raw, data, bad), "quant: permute rows: ")
		_, err := a.Permuted(bad)
		require.ErrorContains(t, err, "quant: permute rows: ")
	}
}

// Three projections repacked into views of one matrix are the fused projection.
func TestViewsFuse(t *testing.T) {
	for _, opts := range [][]quant.Option{nil, {quant.WithHalfScales()}} {
		fused, err := quant.New(gguf.TypeQ4_1, 12, 64, opts...)
		require.NoError(t, err)
		info, data := random(gguf.TypeQ4_1, 12, 64)
		var whole quant.Affine
		require.NoError(t, quant.Repack(info, data, &whole, opts...))
		stride := len(data) / 12
		for _, span := range [][2]int{{0, 6}, {6, 9}, {9, 12}} {
			part := info
			part.Shape = []int{span[1] - span[0], 64}
			view, err := fused.View(span[0], span[1])
			require.NoError(t, err)
			require.NoError(t, quant.Repack(part, data[span[0]*stride:span[1]*stride], &view, opts...))
		}
		require.Equal(t, &whole, fused)
		for _, bad := range [][2]int{{-1, 2}, {3, 2}, {0, 13}} {
			_, err := fused.View(bad[0], bad[1])
			require.ErrorContains(t, err, "of a matrix of 12 rows")
		}
	}
	_, err := quant.New(gguf.TypeQ4_0, 1, 33)
	require.ErrorContains(t, err, "not possible")
	_, err = quant.New(gguf.TypeQ4_0, math.MaxInt, 64)
	require.ErrorContains(t, err, "not possible")
	_, err = quant.New(gguf.TypeF16, 1, 32)
	require.ErrorContains(t, err, "F16, which is not supported")
}

func TestRepackKeepsMemory(t *testing.T) {
	info, data := random(gguf.TypeQ8_0, 4, 64)
	var a quant.Affine
	require.NoError(t, quant.Repack(info, data, &a))
	weight := &a.Weight[0]
	require.NoError(t, quant.Repack(info, data, &a))
	require.Same(t, weight, &a.Weight[0])
}

func TestUnsupportedTypesAreNamed(t *testing.T) {
	info := gguf.TensorInfo{Name: "blk.0.ffn_up.weight", Type: gguf.TypeIQ1M, Shape: []int{1, 256}, Size: 56}
	data := make([]byte, 56)
	require.EqualError(t, quant.Repack(info, data, new(quant.Affine)),
		`quant: repack: tensor "blk.0.ffn_up.weight" has type IQ1_M, which is not supported (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS are)`)
	require.EqualError(t, quant.Dequantize(info, data, make([]float32, 256)),
		`quant: dequantize: tensor "blk.0.ffn_up.weight" has type IQ1_M, which is not supported (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4 are)`)
	require.EqualError(t, quant.RepackMXFP4(info, data, new(quant.MXFP4)),
		`quant: repack as mxfp4: tensor "blk.0.ffn_up.weight" has type IQ1_M, which is not supported (MXFP4 are)`)
	for typ := range gguf.Type(100) {
		form, ok := quant.FormOf(typ)
		require.Equal(t, ok, form.Bits > 0 && form.GroupSize > 0)
	}
}

func TestDataThatDoNotFit(t *testing.T) {
	info, data := random(gguf.TypeQ4_0, 2, 64)
	tests := []struct {
		name  string
		shape []int
		data  []byte
		want  string
	}{
		{"short data", []int{2, 64}, data[:71], `quant: tensor "w" (Q4_0): 71 bytes of data for shape [2 64]`},
		{"no data", []int{2, 64}, nil, `quant: tensor "w" (Q4_0): 0 bytes of data for shape [2 64]`},
		{"part of a block", []int{4, 16}, data, `quant: tensor "w" (Q4_0): rows of 16 elements are not whole blocks of 32`},
		{"negative", []int{-2, 64}, data, `quant: tensor "w" (Q4_0): shape [-2 64] has a negative dimension`},
		{"rows overflow", []int{math.MaxInt, 4, 64}, data, `quant: tensor "w" (Q4_0): shape [9223372036854775807 4 64] is too large`},
		{"elements overflow", []int{1 << 57, 64}, data, `quant: tensor "w" (Q4_0): shape [144115188075855872 64] is too large`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := info
			bad.Shape = tt.shape
			require.EqualError(t, quant.Repack(bad, tt.data, new(quant.Affine)), tt.want)
			require.EqualError(t, quant.Dequantize(bad, tt.data, make([]float32, 128)), tt.want)
		})
	}
	require.EqualError(t, quant.Dequantize(info, data, make([]float32, 127)), `quant: tensor "w" (Q4_0): room for 127 elements, shape [2 64] has 128`)
}

func TestScalesWithoutAnAffineForm(t *testing.T) {
	tests := []struct {
		typ  gguf.Type
		at   int // of the number in the block
		half uint16
		opts []quant.Option
		want string
	}{
		{gguf.TypeQ4_0, 0, 0x7c00, nil, `quant: tensor "w" (Q4_0): row 1, block 1: scale or minimum is not finite, the file is damaged`},
		{gguf.TypeQ4_0, 0, 0xfe00, []quant.Option{quant.WithHalfScales()}, `quant: tensor "w" (Q4_0): row 1, block 1: scale or minimum is not finite, the file is damaged`},
		{gguf.TypeQ4_1, 2, 0xfc00, nil, `quant: tensor "w" (Q4_1): row 1, block 1: scale or minimum is not finite, the file is damaged`},
		{gguf.TypeQ5_1, 2, 0x7e00, []quant.Option{quant.WithHalfScales()}, `quant: tensor "w" (Q5_1): row 1, block 1: scale or minimum is not finite, the file is damaged`},
		{gguf.TypeQ8_0, 0, 0x6000, []quant.Option{quant.WithHalfScales()}, `quant: tensor "w" (Q8_0): row 1, block 1: 512 * -128 is beyond float16; use float32 scales`},
	}
	for _, typ := range []gguf.Type{gguf.TypeQ2K, gguf.TypeQ3K, gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4XS} {
		for _, at := range halves[typ] {
			info, data := random(typ, 2, 512)
			binary.LittleEndian.PutUint16(data[3*typ.BlockBytes()+at:], 0x7c00)
			require.ErrorContains(t, quant.Repack(info, data, new(quant.Affine)), "row 1, block 1: scale or minimum is not finite")
		}
		info, data := random(typ, 2, 512)
		require.ErrorContains(t, quant.Repack(info, data, new(quant.Affine), quant.WithHalfScales()), "use float32 scales")
	}
	for _, tt := range tests {
		info, data := random(tt.typ, 2, 64)
		binary.LittleEndian.PutUint16(data[3*tt.typ.BlockBytes()+tt.at:], tt.half)
		require.EqualError(t, quant.Repack(info, data, new(quant.Affine), tt.opts...), tt.want)
	}
	info, data := random(gguf.TypeQ8_0, 1, 32)
	binary.LittleEndian.PutUint16(data, 0x6000)
	var a quant.Affine
	require.NoError(t, quant.Repack(info, data, &a))
	require.Equal(t, []float32{-65536}, a.Biases)
}

// A file that is cut short while it is mapped faults when it is read; that must be an error, not the end of the process.
func TestFileCutShortWhileMapped(t *testing.T) {
	for _, name := range []string{"q8_0", "q4_1"} {
		raw, err := os.ReadFile("../testdata/" + name + ".gguf")
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "cut.gguf")
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		f, err := gguf.Open(path)
		require.NoError(t, err)
		defer f.Close()
		if err := os.Truncate(path, 0); err != nil {
			t.Skip("this system keeps mapped files whole:", err)
		}
		info := f.Tensors[0]
		err = quant.Dequantize(info, bytesOf(t, f, info), make([]float32, info.Elements()))
		require.ErrorContains(t, err, "the file could not be read, it was cut short or closed")
		err = quant.Repack(info, bytesOf(t, f, info), new(quant.Affine))
		require.ErrorContains(t, err, "the file could not be read, it was cut short or closed")
	}
}

// A tensor in parts is the whole tensor, in another order too.
func TestRowsInParts(t *testing.T) {
	order, err := quant.HalvesFromPairs(3, 4)
	require.NoError(t, err)
	for _, opts := range [][]quant.Option{nil, {quant.WithRowOrder(order)}} {
		for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ6K, gguf.TypeF16} {
			info, data := random(typ, 12, 256)
			whole, parts := make([]float32, info.Elements()), []float32{}
			require.NoError(t, quant.Dequantize(info, data, whole, opts...))
			var packed []float32
			for _, span := range [][2]int{{0, 5}, {5, 5}, {5, 12}} {
				part := make([]float32, (span[1]-span[0])*256)
				rows := append([]quant.Option{quant.WithRows(span[0], span[1])}, opts...)
				require.NoError(t, quant.Dequantize(info, data, part, rows...))
				parts = append(parts, part...)
				var a quant.Affine
				if typ != gguf.TypeF16 {
					require.NoError(t, quant.Repack(info, data, &a, rows...))
					packed = append(packed, expand(&a)...)
				}
			}
			require.Equal(t, whole, parts)
			if form, ok := quant.FormOf(typ); ok && form.Exact {
				require.Equal(t, whole, packed)
			}
		}
	}
	info, data := random(gguf.TypeQ4_0, 4, 32)
	for _, bad := range [][2]int{{-1, 2}, {3, 2}, {0, 5}} {
		require.ErrorContains(t, quant.Dequantize(info, data, nil, quant.WithRows(bad[0], bad[1])), "of 4")
	}
}
