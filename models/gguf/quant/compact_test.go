package quant_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// unnested is the definition of scales of two levels.
func unnested(a *quant.Affine, data []uint8) (out []float32) {
	per := 256 / a.GroupSize
	for block := 0; block < len(data); block += 2 + per {
		h := binary.LittleEndian.Uint16(data[block:])
		unit := math.Ldexp(float64(h&0x3ff), -24)
		if exp := int(h >> 10 & 31); exp > 0 {
			unit = math.Ldexp(float64(h&0x3ff|0x400), exp-25)
		}
		if h>>15 == 1 {
			unit = -unit
		}
		for _, n := range data[block+2 : block+2+per] {
			out = append(out, float32(unit*float64(int8(n))))
		}
	}
	return out
}

// compacted is a with float32 scales and biases, made of what its compact form has.
func compacted(t *testing.T, a quant.Affine) *quant.Affine {
	t.Helper()
	if a.NestedScales != nil {
		require.Nil(t, a.Scales)
		require.Len(t, a.NestedScales, a.Rows*a.Cols/256*(2+256/a.GroupSize))
		a.Scales = unnested(&a, a.NestedScales)
		if a.NestedBiases != nil {
			a.Biases = unnested(&a, a.NestedBiases)
		}
	}
	if a.Biases == nil {
		for _, s := range a.Scales {
			a.Biases = append(a.Biases, -s*float32(int(1)<<(a.Bits-1)))
		}
	}
	return &a
}

// The compact form of each type holds the same weights as the file, and takes what the type takes, or a bit more where
// a block has scales of six bits.
func TestCompactScales(t *testing.T) {
	fine, compact := quant.WithFineGroups(), quant.WithCompactScales()
	for _, typ := range []struct {
		name            string
		nested, centred bool
		bits            float64 // each weight
	}{
		{"q2_k", true, false, 2 + 2*18./256*8}, {"q3_k", true, true, 3 + 18./256*8}, {"q4_k", true, false, 4 + 2*10./256*8},
		{"q5_k", true, false, 5 + 2*10./256*8}, {"q6_k", true, true, 6.5625}, {"iq4_xs", true, true, 8 + 10./256*8},
		{"iq4_nl", false, true, 8 + 1}, {"q4_0", false, true, 4 + 1}, {"q5_0", false, true, 5 + 1}, {"q8_0", false, true, 8 + 1},
		{"q4_1", false, false, 4 + 2}, {"q5_1", false, false, 5 + 2},
	} {
		t.Run(typ.name, func(t *testing.T) {
			f, ref := load(t, typ.name)
			for _, info := range f.Tensors {
				form, ok := quant.FormOf(info.Type, fine)
				require.True(t, ok)
				require.Equal(t, []bool{typ.nested, typ.centred}, []bool{form.Nested, form.Centred})
				var plain, a quant.Affine
				require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &plain, fine))
				require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &a, fine, compact))
				require.Equal(t, plain.Weight, a.Weight)
				bytes := 4*(len(a.Weight)+len(a.Scales)+len(a.Biases)) + len(a.NestedScales) + len(a.NestedBiases)
				require.InDelta(t, typ.bits, 8*float64(bytes)/float64(a.Rows*a.Cols), 1e-9)
				got := compacted(t, a)
				require.InDeltaSlice(t, plain.Scales, got.Scales, 0)
				require.InDeltaSlice(t, plain.Biases, got.Biases, 0)
				require.InDeltaSlice(t, floats(ref[info.Name].Float32), expand(got), 0, info.Name)
			}
		})
	}
}

// Rows in any order, a view of a larger matrix and float16 scales go with the compact form.
func TestCompactRows(t *testing.T) {
	opts := []quant.Option{quant.WithFineGroups(), quant.WithCompactScales()}
	for _, typ := range []gguf.Type{gguf.TypeQ4K, gguf.TypeQ6K, gguf.TypeQ8_0} {
		info, data := random(typ, 3, 512)
		var a quant.Affine
		require.NoError(t, quant.Repack(info, data, &a, opts...))
		whole, err := quant.New(typ, 5, 512, opts...)
		require.NoError(t, err)
		view, err := whole.View(1, 4)
		require.NoError(t, err)
		require.NoError(t, quant.Repack(info, data, &view, append(opts, quant.WithRowOrder([]int{2, 0, 1}))...))
		part, err := whole.View(2, 3) // row 0
		require.NoError(t, err)
		want := expand(compacted(t, a))[:512]
		require.Equal(t, want, expand(compacted(t, part)), typ.String())
	}
	info, data := random(gguf.TypeQ8_0, 2, 64)
	binary.LittleEndian.PutUint16(data, 0x6000) // 512, whose bias float16 cannot hold: there is none
	var a quant.Affine
	require.NoError(t, quant.Repack(info, data, &a, quant.WithHalfScales(), quant.WithCompactScales()))
	require.Equal(t, []uint16{0x6000, 0x3c00, 0x3c00, 0x3c00}, a.HalfScales)
	require.Nil(t, a.HalfBiases)
}

// A scale that is no number is found in this form too.
func TestCompactScalesThatAreNone(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.TypeQ2K, gguf.TypeQ3K, gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4XS} {
		for _, at := range halves[typ] {
			info, data := random(typ, 2, 512)
			binary.LittleEndian.PutUint16(data[3*typ.BlockBytes()+at:], 0xfe00)
			require.ErrorContains(t, quant.Repack(info, data, new(quant.Affine), quant.WithFineGroups(), quant.WithCompactScales()),
				"row 1, block 1: scale or minimum is not finite")
		}
	}
}
