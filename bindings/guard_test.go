package bindings_test

import (
	"math"
	"testing"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// typed makes an array without views of one dtype.
func typed[T any](k kit, dtype bindings.Dtype, data []T, shape ...int32) array {
	k.Helper()
	if shape == nil {
		shape = []int32{int32(len(data))}
	}
	return k.array(bindings.NewArrayData(unsafe.Pointer(unsafe.SliceData(data)), shape, dtype))
}

// refusal is a call that a check refuses: the operation, and what the error says.
type refusal struct {
	op, says string
	err      error
}

func (k kit) refuses(calls []refusal) {
	k.Helper()
	for _, c := range calls {
		k.fails(c.err, c.op, c.says, 1)
	}
}

// MLX ends the process, reads foreign memory or never returns in each call of the
// tests below.

func TestNothingToCompute(t *testing.T) {
	k := begin(t)
	none, flat, square := k.floats(nil, 0, 3), k.floats(nil, 0), k.floats(nil, 0, 0)
	anyDtype := bindings.OptionalDtype{}
	_, _, err := bindings.LUFactor(square, k.s)
	k.refuses([]refusal{
		{"linalg_lu_factor", "no elements", err},
		{"argsort", "no elements", second(bindings.Argsort(none, k.s))},
		{"argsort_axis", "along axis 0", second(bindings.ArgsortAxis(none, 0, k.s))},
		{"sort", "no elements", second(bindings.Sort(none, k.s))},
		{"sort_axis", "along axis -2", second(bindings.SortAxis(none, -2, k.s))},
		{"cummax", "no elements", second(bindings.Cummax(none, false, true, k.s))},
		{"cummin", "no elements", second(bindings.Cummin(none, false, true, k.s))},
		{"cumprod", "no elements", second(bindings.Cumprod(none, false, true, anyDtype, k.s))},
		{"cumsum", "no elements", second(bindings.Cumsum(none, false, true, anyDtype, k.s))},
		{"logcumsumexp", "no elements", second(bindings.LogCumsumExp(none, false, true, k.s))},
		{"cummax_axis", "no elements", second(bindings.CummaxAxis(none, 0, false, true, k.s))},
		{"cummin_axis", "no elements", second(bindings.CumminAxis(none, 0, false, true, k.s))},
		{"cumprod_axis", "no elements", second(bindings.CumprodAxis(none, -2, false, true, anyDtype, k.s))},
		{"cumsum_axis", "along axis 0", second(bindings.CumsumAxis(flat, 0, false, true, anyDtype, k.s))},
		{"logcumsumexp_axis", "along axis -1", second(bindings.LogCumsumExpAxis(flat, -1, false, true, k.s))},
		{"random_permutation", "along axis 0", second(bindings.RandomPermutation(none, 0, array{}, k.s))},
		{"random_permutation_arange", "0 is no positive number", second(bindings.RandomPermutationArange(0, array{}, k.s))},
		{"linalg_lu", "no elements", second(bindings.LU(square, k.s))},
		{"linalg_inv", "no elements", second(bindings.Inv(square, k.s))},
		{"linalg_tri_inv", "no elements", second(bindings.TriInv(square, true, k.s))},
		{"linalg_cholesky_inv", "no elements", second(bindings.CholeskyInv(square, true, k.s))},
		{"linalg_solve", "no elements", second(bindings.Solve(square, square, k.s))},
		{"linalg_solve_triangular", "no elements", second(bindings.SolveTriangular(square, square, true, k.s))},
	})
}

func TestGroupsAndSizesOfZero(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	zero, no, i := bindings.OptionalInt{Valid: true}, bindings.OptionalInt{}, k.ints([]int32{0, 1})
	k.refuses([]refusal{
		{"unflatten", "no size can be inferred", second(bindings.Unflatten(a, 1, []int32{-1, 0}, k.s))},
		{"gather_qqmm", "the group size is 0", second(bindings.GatherQQMM(a, a, a, array{}, i, zero, no, "nvfp4", array{}, array{}, false, k.s))},
		{"quantize", "the group size is 0", second(bindings.Quantize(a, zero, no, "affine", array{}, k.s))},
		{"dequantize", "the number of bits is 0", second(bindings.Dequantize(a, a, a, no, zero, "affine", array{}, bindings.OptionalDtype{}, k.s))},
		{"quantized_matmul", "the group size is 0", second(bindings.QuantizedMatmul(a, a, a, a, true, zero, no, "affine", k.s))},
		{"qqmm", "the group size is 0", second(bindings.QQMM(a, a, a, zero, no, "nvfp4", array{}, array{}, k.s))},
	})
}

func TestIndices(t *testing.T) {
	k := begin(t)
	a, i := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3), k.ints([]int32{0, 1})
	none, flat, batches := k.floats(nil, 0, 3), k.floats(nil, 0), k.floats(nil, 0, 3, 3)
	no := bindings.OptionalInt{}
	yes := typed(k, bindings.Bool, []bool{true, false, true, true, false, true}, 2, 3)
	updates := k.floats([]float32{1, 2, 3}, 1, 1, 3)
	k.refuses([]refusal{
		{"masked_scatter", "the source has no elements", second(bindings.MaskedScatter(a, yes, flat, k.s))},
		{"gather_mm", "indices and no matrices", second(bindings.GatherMM(a, batches, array{}, i, false, k.s))},
		{"gather_qmm", "indices and no matrices", second(bindings.GatherQMM(a, batches, a, a, array{}, i, true, no, no, "affine", false, k.s))},
		{"take_along_axis", "indices are float32", second(bindings.TakeAlongAxis(a, a, 0, k.s))},
		{"put_along_axis", "indices are bool", second(bindings.PutAlongAxis(a, yes, a, 0, k.s))},
		{"scatter_add_axis", "indices are float32", second(bindings.ScatterAddAxis(a, a, a, 0, k.s))},
	})
	for op, f := range scatters {
		k.refuses([]refusal{
			{op, "there are no indices", second(f(a, nil, updates, nil, k.s))},
			{op, "no elements", second(f(none, []array{i}, updates, []int32{0}, k.s))},
		})
	}
	for op, f := range singleScatters {
		k.refuses([]refusal{
			{op, "there are indices and no updates", second(f(a, i, batches, 0, k.s))},
		})
	}
}

func TestReachingBeyond(t *testing.T) {
	k := begin(t)
	a, i, none := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3), k.ints([]int32{0, 1}), k.floats(nil, 0, 3)
	double := typed(k, bindings.Float64, []float64{1, 2})
	codes := typed(k, bindings.Uint8, []uint8{1, 2})
	from, to := []int32{0, 0}, []int32{2, 3}
	k.refuses([]refusal{
		{"trace", "diagonal 0 has no elements", second(bindings.Trace(none, k.s))},
		{"trace_axes", "diagonal -2 has no elements", second(bindings.TraceAxes(a, -2, 0, 1, bindings.Float32, k.s))},
		{"trace_axes", "diagonal 3 has no elements", second(bindings.TraceAxes(a, 3, -2, -1, bindings.Float32, k.s))},
		{"pad", "invalid axis 2", second(bindings.Pad(a, []int32{0, 2}, to, to, a, "constant", k.s))},
		{"pad", "2 axes are padded by 1 low and 2 high sizes", second(bindings.Pad(a, from, []int32{1}, to, a, "constant", k.s))},
		{"number_of_elements", "invalid axis -3", second(bindings.NumberOfElements(a, []int32{0, -3}, false, bindings.Int32, k.s))},
		{"as_strided", "from element 1 to 6 of 6", second(bindings.AsStrided(a, []int32{2, 3}, []int64{3, 1}, 1, k.s))},
		{"as_strided", "from element -1 to 0 of 6", second(bindings.AsStrided(a, []int32{2}, []int64{-1}, 0, k.s))},
		{"as_strided", "the shape has 2 dimensions, strides are 1", second(bindings.AsStrided(a, []int32{2, 3}, []int64{3}, 0, k.s))},
		{"as_strided", "dimension 0 of the shape is -1", second(bindings.AsStrided(a, []int32{-1}, []int64{1}, 0, k.s))},
		{"segmented_mm", "the last dimension of a is 3, the last but one of b 2", second(bindings.SegmentedMM(a, a, i, k.s))},
		{"from_fp8", "float64 is not converted", second(bindings.FromFP8(codes, bindings.Float64, k.s))},
		{"to_fp8", "float64 is not converted", second(bindings.ToFP8(double, k.s))},
	})
}

var scatters = map[string]func(array, []array, array, []int32, stream) (array, error){
	"scatter": bindings.Scatter, "scatter_add": bindings.ScatterAdd, "scatter_max": bindings.ScatterMax,
	"scatter_min": bindings.ScatterMin, "scatter_prod": bindings.ScatterProd,
}

var singleScatters = map[string]func(array, array, array, int32, stream) (array, error){
	"scatter_single": bindings.ScatterSingle, "scatter_add_single": bindings.ScatterAddSingle, "scatter_max_single": bindings.ScatterMaxSingle,
	"scatter_min_single": bindings.ScatterMinSingle, "scatter_prod_single": bindings.ScatterProdSingle,
}

// Values are looked at where they are computed already.
func TestValuesThatMLXDoesNotSurvive(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	ends := k.ints([]int32{1, 3})
	segments := typed(k, bindings.Uint32, []uint32{0, 4}, 1, 2)
	three := k.floats([]float32{1, 2, 3}, 3, 1)
	k.refuses([]refusal{
		{"slice_dynamic", "begins at 3 of axis 1 and has 1 elements, the array 3", second(bindings.SliceDynamic(a, ends, []int32{0, 1}, []int32{1, 1}, k.s))},
		{"slice_dynamic", "begins at 1 of axis -2 and has 2", second(bindings.SliceDynamic(a, k.ints([]int32{1}), []int32{-2}, []int32{2, 3}, k.s))},
		{"slice_dynamic", "begins at -1", second(bindings.SliceDynamic(a, k.ints([]int32{-1}), []int32{0}, []int32{1, 3}, k.s))},
		{"slice_dynamic", "size 1 of the slice is -3", second(bindings.SliceDynamic(a, ends, []int32{0, 1}, []int32{1, -3}, k.s))},
		{"slice_update_dynamic", "begins at 1 of axis 0 and has 2", second(bindings.SliceUpdateDynamic(a, a, k.ints([]int32{1}), []int32{0}, k.s))},
		{"segmented_mm", "a segment ends at 4 of 3", second(bindings.SegmentedMM(a, three, segments, k.s))},
	})
	least := []int32{1, math.MinInt32}
	for op, f := range divisions {
		for _, b := range []array{k.ints([]int32{1, 0}), typed(k, bindings.Uint8, []uint8{0, 1}), typed(k, bindings.Uint64, []uint64{1 << 63, 0}), typed(k, bindings.Int16, []int16{2, 0})} {
			k.fails(f(ends, b, k.s), op, "of the integer divisor is zero", 1)
		}
		k.fails(f(k.ints(least), k.ints([]int32{2, -1}), k.s), op, "the least integer divided by -1", 1)
		require.NoError(t, f(k.floats([]float32{1, 2}), k.ints([]int32{1, 0}), k.s), "floats divide by zero")
		require.NoError(t, f(ends, k.ints([]int32{2, -1}), k.s))
	}
}

// divisions run the operations and close what they give.
var divisions = map[string]func(a, b array, s stream) error{
	"floor_divide": func(a, b array, s stream) error { return closing(bindings.FloorDivide(a, b, s)) },
	"remainder":    func(a, b array, s stream) error { return closing(bindings.Remainder(a, b, s)) },
	"divmod": func(a, b array, s stream) error {
		both, err := bindings.Divmod(a, b, s)
		return closing(array{}, bindings.CloseAll(both), err)
	},
}

func closing(a array, errs ...error) error {
	for _, err := range append(errs, a.Close()) {
		if err != nil {
			return err
		}
	}
	return nil
}

// What is near the bounds passes, and so does what is not computed yet.
func TestChecksLetTheRestPass(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	none := k.floats(nil, 0, 3)
	last := k.array(bindings.SliceDynamic(a, k.ints([]int32{1, 2}), []int32{0, 1}, []int32{1, 1}, k.s))
	require.Equal(t, []float32{6}, k.read(last))
	kept := k.array(bindings.SliceUpdateDynamic(a, k.floats([]float32{9}), k.ints([]int32{1}), []int32{-1}, k.s))
	require.Equal(t, []float32{1, 9, 3, 4, 9, 6}, k.read(kept))
	view := k.array(bindings.AsStrided(a, []int32{2, 2}, []int64{-3, 2}, 3, k.s))
	require.Equal(t, []float32{4, 6, 1, 3}, k.read(view))
	require.Empty(t, k.read(k.array(bindings.SortAxis(none, 1, k.s))))
	require.Empty(t, k.read(k.array(bindings.CumsumAxis(none, -1, false, true, bindings.OptionalDtype{}, k.s))))
	corner := k.array(bindings.TraceAxes(a, 2, 0, 1, bindings.Float32, k.s))
	require.Equal(t, []float32{3}, k.read(corner))

	lazy := k.array(bindings.Add(k.ints([]int32{5}), k.ints([]int32{5}), k.s))
	k.array(bindings.SliceDynamic(a, lazy, []int32{0}, []int32{1, 3}, k.s))
	k.array(bindings.FloorDivide(lazy, lazy, k.s))
}

// An array whose computation never began is computed, not taken for ready.
func TestWaitBegins(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2})
	sum := k.array(bindings.Add(a, a, k.s))
	require.NoError(t, sum.Wait())
	v, err := sum.DataFloat32()
	require.NoError(t, err)
	require.Equal(t, []float32{2, 4}, v)
	require.NoError(t, bindings.AsyncEval([]array{k.array(bindings.Multiply(sum, sum, k.s))}))
	require.NoError(t, sum.Wait())
}
