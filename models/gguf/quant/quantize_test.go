package quant_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// tensorOf describes a matrix of a type, and makes room for its blocks.
func tensorOf(typ gguf.Type, rows, cols int) (gguf.TensorInfo, []byte) {
	size := rows * cols / typ.BlockSize() * typ.BlockBytes()
	return gguf.TensorInfo{Name: "w", Type: typ, Shape: []int{rows, cols}, Size: int64(size)}, make([]byte, size)
}

// The blocks are those of ggml's reference functions, byte for byte
// (testdata/quantize.py).
func TestQuantizeEqualsReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/quantize.json")
	require.NoError(t, err)
	var want struct {
		Columns int
		Values  []uint32
		Blocks  map[string][]byte
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	values := floats(want.Values)
	require.Len(t, want.Blocks, len(quant.Quantizable()))
	for _, typ := range quant.Quantizable() {
		info, dst := tensorOf(typ, len(values)/want.Columns, want.Columns)
		require.NoError(t, quant.Quantize(info, values, dst), typ)
		require.Equal(t, want.Blocks[typ.String()], dst, typ)
	}
}

// What Repack makes of blocks goes back into the same blocks.
func TestQuantizeAffineIsTheReverseOfRepack(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ8_0} {
		info, want := random(typ, 40, 256)
		var a quant.Affine
		require.NoError(t, quant.Repack(info, want, &a))
		got := make([]byte, len(want))
		require.NoError(t, quant.QuantizeAffine(info, &a, got))
		require.Equal(t, want, got, typ)
	}
	info, want := random(gguf.TypeMXFP4, 40, 256)
	var x quant.MXFP4
	require.NoError(t, quant.RepackMXFP4(info, want, &x))
	got := make([]byte, len(want))
	require.NoError(t, quant.QuantizeMXFP4(info, &x, got))
	require.Equal(t, want, got)
}

// Groups that the type has no block for are what Quantize makes of their weights.
func TestQuantizeAffineOfOtherGroups(t *testing.T) {
	from, data := random(gguf.TypeQ5_1, 6, 128)
	var a quant.Affine
	require.NoError(t, quant.Repack(from, data, &a))
	for _, typ := range quant.Quantizable() {
		info, want := tensorOf(typ, 6, 128)
		require.NoError(t, quant.Quantize(info, expand(&a), want))
		got := make([]byte, len(want))
		require.NoError(t, quant.QuantizeAffine(info, &a, got))
		require.Equal(t, want, got, typ)
	}
}

func TestQuantizeRefusesWhatHasNoBlocks(t *testing.T) {
	values := make([]float32, 64)
	for _, c := range []struct {
		typ  gguf.Type
		bad  float32
		want string
	}{
		{gguf.TypeQ8_0, float32(math.NaN()), `tensor "w" (Q8_0): row 1: the weight NaN is no number`},
		{gguf.TypeBF16, float32(math.Inf(-1)), "row 1: the weight -Inf is no number"},
		{gguf.TypeF16, 70000, "row 1: the weight 70000 is beyond what the type can hold"},
		{gguf.TypeQ4_0, 1e6, "row 1: the weight 1e+06 is beyond what"},
		{gguf.TypeQ6K, 0, "has type Q6_K, which is not supported (F32, F16, BF16, Q8_0, Q4_1, Q4_0 are)"},
	} {
		values[40] = c.bad
		info, dst := tensorOf(c.typ, 2, 32)
		require.ErrorContains(t, quant.Quantize(info, values, dst), c.want)
	}
	info, dst := tensorOf(gguf.TypeQ8_0, 2, 32)
	require.ErrorContains(t, quant.Quantize(info, values[:32], dst), "32 values for shape [2 32]")
	require.ErrorContains(t, quant.Quantize(info, values, dst[:3]), "3 bytes of data for shape [2 32]")
	require.ErrorContains(t, quant.QuantizeAffine(info, &quant.Affine{Bits: 4, GroupSize: 32, Rows: 2, Cols: 32}, dst), "no affine matrix of 2 x 32")
}

// FuzzQuantize demands that no weight is further from its source than the type's
// steps are wide, and what the scale loses as a float16 near 0.
func FuzzQuantize(f *testing.F) {
	seed := make([]byte, 128)
	for i := range seed {
		seed[i] = byte(i * 37)
	}
	for _, typ := range quant.Quantizable() {
		f.Add(uint32(typ), seed)
	}
	f.Fuzz(func(t *testing.T, typ uint32, data []byte) {
		values := make([]float32, len(data)/4/32*32)
		var most float64
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			most = max(most, math.Abs(float64(values[i])))
		}
		info := gguf.TensorInfo{Name: "w", Type: gguf.Type(typ), Shape: []int{len(values) / 32, 32}}
		if info.Type.BlockSize() == 0 {
			return
		}
		info, dst := tensorOf(info.Type, len(values)/32, 32)
		if quant.Quantize(info, values, dst) != nil {
			return
		}
		back := make([]float32, len(values))
		require.NoError(t, quant.Dequantize(info, dst, back))
		for i, v := range back {
			require.LessOrEqual(t, math.Abs(float64(v)-float64(values[i])), most/6.9+127*0x1p-25, "element %d: %g of %g", i, v, values[i])
		}
	})
}
