package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func TestProductsAndComparisons(t *testing.T) {
	uints := func(r refs, shape []int32, data ...int32) array {
		return r.array(bindings.AsType(r.ints(data, shape...), bindings.Uint32, r.s))
	}
	scalar := func(r refs, v float32) array { return r.array(bindings.NewArrayFloat(v)) }
	ops{
		"Addmm": func(r refs) ([]array, error) { return one(bindings.Addmm(r.x, r.y, r.q, 2, -0.5, r.s)) },
		"Allclose": func(r refs) ([]array, error) {
			near := r.array(bindings.Add(r.x, scalar(r, 1e-3), r.s))
			return one(bindings.Allclose(r.x, near, 1e-2, 1e-4, false, r.s))
		},
		"ArrayEqual": func(r refs) ([]array, error) { return one(bindings.ArrayEqual(r.n, r.n, true, r.s)) },
		"BlockMaskedMM": func(r refs) ([]array, error) {
			left, right := r.floats([]float32{2}, 1, 1), r.floats([]float32{0.5}, 1, 1)
			return one(bindings.BlockMaskedMM(r.big, r.big, 32, array{}, left, right, r.s))
		},
		"Clip":   func(r refs) ([]array, error) { return one(bindings.Clip(r.y, scalar(r, -1), scalar(r, 2), r.s)) },
		"Cross":  func(r refs) ([]array, error) { return one(bindings.Cross(r.x, r.y, 1, r.s)) },
		"Diff":   func(r refs) ([]array, error) { return one(bindings.Diff(r.t, 2, 1, r.s)) },
		"Einsum": func(r refs) ([]array, error) { return one(bindings.Einsum("ij,kj->ik", []array{r.x, r.y}, r.s)) },
		"GatherMM": func(r refs) ([]array, error) {
			b := r.array(bindings.SwapAxes(r.t, 1, 2, r.s))
			return one(bindings.GatherMM(r.t, b, uints(r, nil, 1, 0), uints(r, nil, 0, 1), false, r.s))
		},
		"HadamardTransform": func(r refs) ([]array, error) {
			return one(bindings.HadamardTransform(r.t, bindings.OptionalFloat{Value: 0.5, Valid: true}, r.s))
		},
		"IsClose": func(r refs) ([]array, error) { return one(bindings.IsClose(r.n, r.n, 1e-5, 1e-8, true, r.s)) },
		"NaNToNum": func(r refs) ([]array, error) {
			high, low := bindings.OptionalFloat{Value: 9, Valid: true}, bindings.OptionalFloat{Value: -9, Valid: true}
			return one(bindings.NaNToNum(r.n, 0.5, high, low, r.s))
		},
		"NumberOfElements": func(r refs) ([]array, error) {
			return one(bindings.NumberOfElements(r.t, []int32{0, 2}, false, bindings.Int32, r.s))
		},
		"Round": func(r refs) ([]array, error) {
			return one(bindings.Round(r.array(bindings.Multiply(r.y, scalar(r, 1.2345), r.s)), 2, r.s))
		},
		"SegmentedMM": func(r refs) ([]array, error) {
			xt := r.array(bindings.Transpose(r.x, r.s))
			return one(bindings.SegmentedMM(r.x, xt, uints(r, []int32{2, 2}, 0, 1, 1, 3), r.s))
		},
		"Tensordot": func(r refs) ([]array, error) {
			return one(bindings.Tensordot(r.t, r.t, []int32{0, 2}, []int32{0, 2}, r.s))
		},
		"TensordotAxis": func(r refs) ([]array, error) { return one(bindings.TensordotAxis(r.x, r.q, 1, r.s)) },
		"TraceAxes": func(r refs) ([]array, error) {
			return one(bindings.TraceAxes(r.t, 1, 0, 2, bindings.Float32, r.s))
		},
		"Vecdot": func(r refs) ([]array, error) { return one(bindings.Vecdot(r.x, r.y, 1, r.s)) },
	}.compare(t)
}

func TestConvolutions(t *testing.T) {
	ops{
		"Conv1D": func(r refs) ([]array, error) { return one(bindings.Conv1D(r.seq, r.sker, 2, 1, 1, 1, r.s)) },
		"Conv2D": func(r refs) ([]array, error) {
			return one(bindings.Conv2D(r.img, r.ker, 2, 1, 1, 0, 1, 2, 1, r.s))
		},
		"Conv3D": func(r refs) ([]array, error) {
			return one(bindings.Conv3D(r.vol, r.vker, 1, 2, 1, 0, 1, 0, 1, 1, 2, 1, r.s))
		},
		"ConvGeneral": func(r refs) ([]array, error) {
			stride, low, high := []int32{1, 2}, []int32{1, 0}, []int32{0, 1}
			kernel, input := []int32{2, 1}, []int32{1, 2}
			return one(bindings.ConvGeneral(r.img, r.ker, stride, low, high, kernel, input, 1, true, r.s))
		},
		"ConvTranspose1D": func(r refs) ([]array, error) {
			return one(bindings.ConvTranspose1D(r.seq, r.sker, 2, 1, 1, 1, 1, r.s))
		},
		"ConvTranspose2D": func(r refs) ([]array, error) {
			return one(bindings.ConvTranspose2D(r.img, r.ker, 2, 1, 1, 0, 1, 2, 1, 0, 1, r.s))
		},
		"ConvTranspose3D": func(r refs) ([]array, error) {
			return one(bindings.ConvTranspose3D(r.vol, r.vker, 1, 2, 1, 0, 1, 0, 1, 1, 2, 0, 1, 0, 1, r.s))
		},
	}.compare(t)
}

func TestNormsRopeAttention(t *testing.T) {
	row := func(r refs, a array, i int32) array {
		return r.array(bindings.TakeAxis(a, r.array(bindings.NewArrayInt(i)), 0, r.s))
	}
	base := bindings.OptionalFloat{Value: 1000, Valid: true}
	ops{
		"LayerNorm": func(r refs) ([]array, error) {
			return one(bindings.LayerNorm(r.x, row(r, r.p, 0), row(r, r.y, 1), 1e-3, r.s))
		},
		"RMSNorm": func(r refs) ([]array, error) { return one(bindings.RMSNorm(r.x, row(r, r.p, 0), 1e-3, r.s)) },
		"RoPE": func(r refs) ([]array, error) {
			return one(bindings.RoPE(r.heads, 8, false, base, 0.5, 3, array{}, r.s))
		},
		"RoPETraditional": func(r refs) ([]array, error) {
			freqs := r.floats([]float32{1.1, 1.5})
			return one(bindings.RoPE(r.heads, 4, true, bindings.OptionalFloat{}, 1, 0, freqs, r.s))
		},
		"RoPEDynamic": func(r refs) ([]array, error) {
			offset := r.array(bindings.NewArrayInt(3))
			return one(bindings.RoPEDynamic(r.heads, 8, false, base, 0.5, offset, array{}, r.s))
		},
		"ScaledDotProductAttention": func(r refs) ([]array, error) {
			return one(bindings.ScaledDotProductAttention(r.heads, r.heads, r.heads, 0.3, "causal",
				array{}, array{}, false, r.s))
		},
		"ScaledDotProductAttentionMask": func(r refs) ([]array, error) {
			mask := r.floats([]float32{0, -1, -2, 0, -1, -2, 0, -1, -2}, 3, 3)
			sinks := r.floats([]float32{0.5, -0.5})
			return one(bindings.ScaledDotProductAttention(r.heads, r.heads, r.heads, 0.3, "array",
				mask, sinks, false, r.s))
		},
		"CrossEntropy": func(r refs) ([]array, error) {
			logits := r.array(bindings.Reshape(r.t, []int32{6, 4}, r.s))
			return one(bindings.CrossEntropy(logits, r.ints([]int32{0, 1, 2, 3, 0, 1}), r.s))
		},
	}.compare(t)
}
