package quant_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

func floats(bits []uint32) []float32 {
	out := make([]float32, len(bits))
	for i, b := range bits {
		out[i] = math.Float32frombits(b)
	}
	return out
}

// relativeError is the root mean square of the differences of a matrix, as a share of that of its weights.
func relativeError(a *quant.Affine, want []float32) float64 {
	var off, size float64
	for i, v := range expand(a) {
		d, w := float64(v)-float64(want[i]), float64(want[i])
		off, size = off+d*d, size+w*w
	}
	return math.Sqrt(off / size)
}

// requireNear demands that no weight is further away than half a step of its group, but for float32's rounding.
func requireNear(t *testing.T, a *quant.Affine, want []float32) {
	t.Helper()
	for i, v := range expand(a) {
		g := i/a.Cols*(a.Cols/a.GroupSize) + i%a.Cols/a.GroupSize
		step, bias := float64(a.Scales[g]), float64(a.Biases[g])
		allowed := step/2 + 1e-6*(math.Abs(bias)+255*step)
		require.LessOrEqual(t, math.Abs(float64(v)-float64(want[i])), allowed, "element %d: %g, want %g", i, v, want[i])
	}
}

// The types whose affine form is exact hold what the Python package gguf reads. The others are half a step of a grid of
// 256 points away at most, and the weights that ggml quantised as near as the package's documentation says.
func TestRepackOfBlocks(t *testing.T) {
	for _, typ := range []struct {
		name        string
		bits, group int
		near        float64 // bounds the error where the form is not exact
	}{
		{"q2_k", 8, 32, 0.003}, {"q3_k", 8, 128, 0}, {"q4_k", 4, 32, 0}, {"q5_k", 5, 32, 0},
		{"q6_k", 8, 32, 0.004}, {"iq4_nl", 8, 32, 0}, {"iq4_xs", 8, 32, 0},
	} {
		t.Run(typ.name, func(t *testing.T) {
			f, ref := load(t, typ.name)
			for _, info := range f.Tensors {
				var a quant.Affine
				require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &a))
				require.Equal(t, []int{typ.bits, typ.group}, []int{a.Bits, a.GroupSize})
				form, ok := quant.FormOf(info.Type)
				require.True(t, ok)
				require.Equal(t, typ.near == 0, form.Exact)
				want := floats(ref[info.Name].Float32)
				if form.Exact {
					require.Zero(t, relativeError(&a, want))
					continue
				}
				requireNear(t, &a, want)
				require.LessOrEqual(t, relativeError(&a, want), typ.near, info.Name)
			}
		})
	}
}

// In groups of 16 the same files are exact.
func TestRepackInFineGroups(t *testing.T) {
	fine := quant.WithFineGroups()
	for name, bits := range map[string]int{"q2_k": 2, "q3_k": 3, "q6_k": 6} {
		t.Run(name, func(t *testing.T) {
			f, ref := load(t, name)
			for _, info := range f.Tensors {
				form, ok := quant.FormOf(info.Type, fine)
				require.True(t, ok)
				require.Equal(t, []any{bits, 16, true, false}, []any{form.Bits, form.GroupSize, form.Exact, form.Half})
				var a quant.Affine
				require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &a, fine))
				require.Equal(t, []int{bits, 16}, []int{a.Bits, a.GroupSize})
				require.Zero(t, relativeError(&a, floats(ref[info.Name].Float32)), info.Name)
			}
		})
	}
	form, ok := quant.FormOf(gguf.TypeQ4K, fine)
	require.True(t, ok)
	require.Equal(t, 32, form.GroupSize, "a type whose groups are larger stays as it is")
}

// A real model's tensors of type Q6_K are as near as those of the fixtures, those of Q4_K are the same.
func TestGemma3Packed(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a real model")
	}
	f, err := gguf.Open(testmodels.RequireGemma3(t))
	require.NoError(t, err)
	defer f.Close()
	worst := map[gguf.Type]float64{}
	for _, info := range f.Tensors {
		if info.Type != gguf.TypeQ6K && info.Type != gguf.TypeQ4K {
			continue
		}
		var a quant.Affine
		require.NoError(t, quant.Repack(info, bytesOf(t, f, info), &a))
		want := make([]float32, info.Elements())
		require.NoError(t, quant.Dequantize(info, bytesOf(t, f, info), want))
		worst[info.Type] = max(worst[info.Type], relativeError(&a, want))
	}
	require.Len(t, worst, 2)
	require.Zero(t, worst[gguf.TypeQ4K])
	require.InDelta(t, 0.0039, worst[gguf.TypeQ6K], 0.0003)
}

// expandMXFP4 is MLX's definition of its mode mxfp4: the numbers of e2m1 times 2^(e-127).
func expandMXFP4(a *quant.MXFP4) []float32 {
	out := make([]float32, a.Rows*a.Cols)
	for i := range out {
		q := a.Weight[i/8] >> (i % 8 * 4) & 15
		v := [8]float64{0, 0.5, 1, 1.5, 2, 3, 4, 6}[q&7]
		if q > 7 {
			v = -v
		}
		out[i] = float32(math.Ldexp(v, int(a.Scales[i/32])-127))
	}
	return out
}

func TestRepackMXFP4(t *testing.T) {
	f, ref := load(t, "mxfp4")
	for _, info := range f.Tensors {
		var a quant.MXFP4
		require.NoError(t, quant.RepackMXFP4(info, bytesOf(t, f, info), &a))
		require.Equal(t, []int{2, 256}, []int{a.Rows, a.Cols})
		require.InDeltaSlice(t, floats(ref[info.Name].Float32), expandMXFP4(&a), 0)
	}
	info, data := random(gguf.TypeMXFP4, 2, 64)
	data[3*17] = 255
	require.EqualError(t, quant.RepackMXFP4(info, data, new(quant.MXFP4)),
		`quant: tensor "w" (MXFP4): row 1, block 1: scale is not a number, the file is damaged`)
	require.ErrorContains(t, quant.RepackMXFP4(info, data[1:], new(quant.MXFP4)), "67 bytes of data for shape [2 64]")
}
