package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestQuantized(t *testing.T) {
	group, bits := bindings.OptionalInt{Value: 32, Valid: true}, bindings.OptionalInt{Value: 4, Valid: true}
	none, keep := bindings.OptionalInt{}, bindings.OptionalDtype{}
	affine := func(r refs) (w, scales, biases array) {
		list := r.list(bindings.Quantize(r.w, group, bits, "affine", array{}, r.s))
		return list[0], list[1], list[2]
	}
	front := func(r refs, a array) array { return r.array(bindings.ExpandDims(a, 0, r.s)) }
	ops{
		"Quantize": func(r refs) ([]array, error) {
			return bindings.Quantize(r.w, group, bits, "affine", array{}, r.s)
		},
		"QuantizeMXFP8": func(r refs) ([]array, error) {
			return bindings.Quantize(r.w, none, none, "mxfp8", array{}, r.s)
		},
		"Dequantize": func(r refs) ([]array, error) {
			w, scales, biases := affine(r)
			return one(bindings.Dequantize(w, scales, biases, group, bits, "affine", array{}, keep, r.s))
		},
		"DequantizeMXFP8": func(r refs) ([]array, error) {
			q := r.list(bindings.Quantize(r.w, none, none, "mxfp8", array{}, r.s))
			dtype := bindings.OptionalDtype{Value: bindings.BFloat16, Valid: true}
			a := r.array(bindings.Dequantize(q[0], q[1], array{}, none, none, "mxfp8", array{}, dtype, r.s))
			return one(bindings.AsType(a, bindings.Float32, r.s))
		},
		"QuantizedMatmul": func(r refs) ([]array, error) {
			w, scales, biases := affine(r)
			return one(bindings.QuantizedMatmul(r.h, w, scales, biases, true, group, bits, "affine", r.s))
		},
		"GatherQMM": func(r refs) ([]array, error) {
			w, scales, biases := affine(r)
			zero := r.array(bindings.Zeros([]int32{1}, bindings.Uint32, r.s))
			x := front(r, r.array(bindings.Slice(r.h, []int32{0, 0}, []int32{1, 64}, []int32{1, 1}, r.s)))
			return one(bindings.GatherQMM(x, front(r, w), front(r, scales), front(r, biases), zero, zero, true,
				group, bits, "affine", false, r.s))
		},
	}.compare(t)
}

// The products of two quantised matrices run on some GPUs only; building one
// succeeds, evaluating it on the CPU does not.
func TestQuantizedActivationsNeedAGPU(t *testing.T) {
	k := begin(t)
	in := loadReferences(t).upload(k)
	const mode = "nvfp4"
	none := bindings.OptionalInt{}
	q := k.list(bindings.Quantize(in.w, none, none, mode, array{}, k.s))
	product := k.array(bindings.QQMM(in.h, q[0], q[1], none, none, mode, array{}, array{}, k.s))
	require.Equal(t, []int32{2, 4}, k.shape(product))
	k.fails(product.Eval(), "array_eval", "[QQMatmul] NYI", 1)

	front := func(a array) array { return k.array(bindings.ExpandDims(a, 0, k.s)) }
	zero := k.array(bindings.Zeros([]int32{1}, bindings.Uint32, k.s))
	product = k.array(bindings.GatherQQMM(front(in.h), front(q[0]), front(q[1]), zero, zero, none, none, mode,
		array{}, array{}, false, k.s))
	require.Equal(t, []int32{1, 2, 4}, k.shape(product))
	k.fails(product.Eval(), "array_eval", "[GatherQQMM] NYI", 1)
}
