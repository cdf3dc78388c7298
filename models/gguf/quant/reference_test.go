package quant_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// reference is what dump.py writes beside each file: bit patterns from the Python package gguf and from MLX.
type reference struct {
	Shape      []int    `json:"shape"`
	Float32    []uint32 `json:"float32"`
	Weight     []uint32 `json:"weight"`
	Scales     []uint32 `json:"scales"`
	Biases     []uint32 `json:"biases"`
	HalfScales []uint16 `json:"half_scales"`
	HalfBiases []uint16 `json:"half_biases"`
}

var types = []struct {
	name string
	bits int // 0 where there is no affine form
}{
	{"f32", 0}, {"f16", 0}, {"bf16", 0}, {"q4_0", 4}, {"q4_1", 4}, {"q5_0", 5}, {"q5_1", 5}, {"q8_0", 8},
}

func load(t testing.TB, name string) (*gguf.File, map[string]reference) {
	t.Helper()
	f, err := gguf.Open("../testdata/" + name + ".gguf")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	raw, err := os.ReadFile("../testdata/" + name + ".json")
	require.NoError(t, err)
	var want map[string]reference
	require.NoError(t, json.Unmarshal(raw, &want))
	require.Len(t, f.Tensors, len(want))
	return f, want
}

func bytesOf(t testing.TB, f *gguf.File, info gguf.TensorInfo) []byte {
	t.Helper()
	data, err := f.Data(info)
	require.NoError(t, err)
	return data
}

func bitsOf(s []float32) []uint32 {
	out := make([]uint32, len(s))
	for i, f := range s {
		out[i] = math.Float32bits(f)
	}
	return out
}

func TestDequantizeEqualsReference(t *testing.T) {
	var names []string
	for _, typ := range types {
		names = append(names, typ.name)
	}
	names = append(names, "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			f, want := load(t, name)
			for _, info := range f.Tensors {
				w := want[info.Name]
				require.Equal(t, w.Shape, info.Shape)
				got := make([]float32, info.Elements())
				require.NoError(t, quant.Dequantize(info, bytesOf(t, f, info), got))
				require.Equal(t, w.Float32, bitsOf(got), info.Name)
			}
		})
	}
}

func TestRepackEqualsMLX(t *testing.T) {
	for _, typ := range types {
		if typ.bits == 0 {
			continue
		}
		t.Run(typ.name, func(t *testing.T) {
			f, want := load(t, typ.name)
			compared := 0
			for _, info := range f.Tensors {
				w, data := want[info.Name], bytesOf(t, f, info)
				if w.Weight == nil {
					continue
				}
				compared++
				var got quant.Affine
				require.NoError(t, quant.Repack(info, data, &got))
				require.Equal(t, []int{typ.bits, 32, 4, 96}, []int{got.Bits, got.GroupSize, got.Rows, got.Cols})
				require.Equal(t, w.Weight, got.Weight, info.Name)
				require.Equal(t, w.Scales, bitsOf(got.Scales), info.Name)
				require.Equal(t, w.Biases, bitsOf(got.Biases), info.Name)
				require.Nil(t, got.HalfScales)

				require.NoError(t, quant.Repack(info, data, &got, quant.WithHalfScales()))
				require.Equal(t, w.Weight, got.Weight, info.Name)
				require.Equal(t, w.HalfScales, got.HalfScales, info.Name)
				require.Equal(t, w.HalfBiases, got.HalfBiases, info.Name)
				require.Nil(t, got.Scales)
			}
			require.Equal(t, 2, compared)
		})
	}
}

// expand is MLX's definition of affine weights, element by element.
func expand(a *quant.Affine) []float32 {
	out := make([]float32, a.Rows*a.Cols)
	for i := range out {
		row, col := i/a.Cols, i%a.Cols
		q := uint32(0)
		for b := range a.Bits {
			at := col*a.Bits + b
			word := a.Weight[row*a.Cols*a.Bits/32+at/32]
			q |= word >> (at % 32) & 1 << b
		}
		g := row*a.Cols/a.GroupSize + col/a.GroupSize
		out[i] = float32(float64(a.Scales[g])*float64(q) + float64(a.Biases[g]))
	}
	return out
}

// Three dimensions, such as the experts of a mixture, which MLX's own reader does not repack.
func TestRepackOfThreeDimensions(t *testing.T) {
	for _, typ := range types {
		if typ.bits == 0 {
			continue
		}
		f, want := load(t, typ.name)
		info, ok := f.Tensor("cube")
		require.True(t, ok)
		require.Equal(t, []int{2, 3, 32}, info.Shape)
		var got quant.Affine
		require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &got))
		require.Equal(t, 6, got.Rows)
		expected := make([]float32, 6*32)
		for i, b := range want["cube"].Float32 {
			expected[i] = math.Float32frombits(b)
		}
		require.Equal(t, expected, expand(&got), typ.name)
	}
}
