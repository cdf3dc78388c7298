package bindings_test

import (
	"slices"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestShapeAndSizes(t *testing.T) {
	k := begin(t)
	a := k.array(bindings.Zeros([]int32{2, 3, 4}, bindings.Float16, k.s))
	require.Equal(t, []int32{2, 3, 4}, k.shape(a))
	for name, tt := range map[string]struct {
		read func() (uint64, error)
		want uint64
	}{
		"ndim":     {a.Ndim, 3},
		"size":     {a.Size, 24},
		"itemsize": {a.Itemsize, 2},
		"nbytes":   {a.Nbytes, 48},
	} {
		n, err := tt.read()
		require.NoError(t, err, name)
		require.Equal(t, tt.want, n, name)
	}
	for dim, want := range []int32{2, 3, 4} {
		n, err := a.Dim(int32(dim))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	last, err := a.Dim(-1)
	require.NoError(t, err)
	require.Equal(t, int32(4), last)
}

func TestSizesOfNull(t *testing.T) {
	k := begin(t)
	var null array
	reads := map[string]func() error{
		"array_shape":    func() error { _, err := null.Shape(); return err },
		"array_strides":  func() error { _, err := null.Strides(); return err },
		"array_ndim":     func() error { _, err := null.Ndim(); return err },
		"array_size":     func() error { _, err := null.Size(); return err },
		"array_itemsize": func() error { _, err := null.Itemsize(); return err },
		"array_nbytes":   func() error { _, err := null.Nbytes(); return err },
		"array_dim":      func() error { _, err := null.Dim(0); return err },
		"array_dtype":    func() error { _, err := null.Dtype(); return err },
		"array_tostring": func() error { _, err := null.ToString(); return err },
		"array_eval":     func() error { return null.Eval() },
		"array_wait":     func() error { return null.Wait() },
	}
	for op, read := range reads {
		k.fails(read(), op, "expected a non-empty mlx_array", 1)
	}
}

func TestDimOutOfRange(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3})
	for _, dim := range []int32{1, -2, 1 << 30} {
		n, err := a.Dim(dim)
		require.Zero(t, n)
		k.fails(err, "array_dim", "", 1)
	}
}

func TestMoreDimensionsThanCanBeRead(t *testing.T) {
	k := begin(t)
	ones := slices.Repeat([]int32{1}, 64)
	a := k.array(bindings.Reshape(k.floats([]float32{7}), ones, k.s))
	require.Equal(t, ones, k.shape(a))
	a = k.array(bindings.ExpandDims(a, 0, k.s))
	_, err := a.Shape()
	k.fails(err, "array_shape", "the array has 65 dimensions, at most 64 can be read", 1)
	_, err = a.Strides()
	k.fails(err, "array_strides", "the array has 65 dimensions, at most 64 can be read", 1)
}

// Strides are in elements, as numpy's are in bytes.
func TestStridesAndContiguity(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	flipped := k.array(bindings.Transpose(a, k.s))
	every2nd := k.array(bindings.Slice(k.floats([]float32{0, 1, 2, 3, 4, 5}), []int32{0}, []int32{6}, []int32{2}, k.s))
	tests := []struct {
		name            string
		a               array
		strides         []uint64
		dense, row, col bool
	}{
		{"as made", a, []uint64{3, 1}, true, true, false},
		{"transposed", flipped, []uint64{1, 3}, true, false, true},
		{"every second", every2nd, []uint64{2}, false, false, false},
	}
	for _, tt := range tests {
		require.NoError(t, tt.a.Eval())
		strides, err := tt.a.Strides()
		require.NoError(t, err)
		require.Equal(t, tt.strides, strides, tt.name)
		for flag, read := range map[string]func() (bool, error){
			"contiguous": tt.a.IsContiguous, "row": tt.a.IsRowContiguous, "col": tt.a.IsColContiguous,
		} {
			got, err := read()
			require.NoError(t, err)
			want := map[string]bool{"contiguous": tt.dense, "row": tt.row, "col": tt.col}[flag]
			require.Equal(t, want, got, "%s %s", tt.name, flag)
		}
	}
}

// MLX's own pointer to such data reads other elements, or none.
func TestDataNeedsEvaluatedContiguousElements(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	lazy := k.array(bindings.Add(a, a, k.s))
	ready, err := lazy.IsAvailable()
	require.NoError(t, err)
	require.False(t, ready)
	_, err = lazy.DataFloat32()
	k.fails(err, "array_data_float32", "the array is not evaluated", 1)

	require.NoError(t, lazy.Eval())
	require.NoError(t, lazy.Wait())
	ready, err = lazy.IsAvailable()
	require.NoError(t, err)
	require.True(t, ready)
	v, err := lazy.DataFloat32()
	require.NoError(t, err)
	require.Equal(t, []float32{2, 4, 6, 8, 10, 12}, v)

	flipped := k.array(bindings.Transpose(a, k.s))
	require.NoError(t, flipped.Eval())
	_, err = flipped.DataFloat32()
	k.fails(err, "array_data_float32", "the array is not row-contiguous", 1)
	require.Equal(t, []float32{1, 4, 2, 5, 3, 6}, k.read(flipped))
}

func TestDataIsACopy(t *testing.T) {
	k := begin(t)
	source := []float32{1, 2}
	a := k.floats(source)
	source[0] = 9
	v, err := a.DataFloat32()
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2}, v)
	v[1] = 9
	v, err = a.DataFloat32()
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2}, v)
}

func TestEmptyArrays(t *testing.T) {
	k := begin(t)
	a := k.floats(nil, 0, 3)
	require.Equal(t, []int32{0, 3}, k.shape(a))
	v, err := a.DataFloat32()
	require.NoError(t, err)
	require.Empty(t, v)
	lazy := k.array(bindings.Add(a, a, k.s))
	v, err = lazy.DataFloat32()
	require.NoError(t, err, "nothing to evaluate")
	require.Empty(t, v)
}

func TestToStringEvaluates(t *testing.T) {
	k := begin(t)
	a := k.floats([]float32{1, 2, 3, 4}, 2, 2)
	text, err := k.array(bindings.Add(a, a, k.s)).ToString()
	require.NoError(t, err)
	// As Python prints mx.array([[2, 4], [6, 8]], mx.float32).
	require.Equal(t, "array([[2, 4],\n       [6, 8]], dtype=float32)", text)
}

func TestDtypesAndTheirNames(t *testing.T) {
	k := begin(t)
	require.Equal(t, "bfloat16", bindings.BFloat16.String())
	require.Equal(t, "Dtype(14)", bindings.Dtype(14).String())
	require.Equal(t, "Dtype(-1)", bindings.Dtype(-1).String())
	require.Equal(t, "gpu", bindings.GPU.String())
	require.Equal(t, "compile_mode_enabled", bindings.CompileModeEnabled.String())
	require.Equal(t, "fft_norm_ortho", bindings.FFTNormOrtho.String())
	for _, d := range []bindings.Dtype{14, -1, 1 << 30} {
		_, err := bindings.DtypeSize(d) // mlx-c would read beside its table
		k.fails(err, "dtype_size", "is no bindings.Dtype", 1)
		_, err = bindings.NewArrayData(nil, nil, d)
		k.fails(err, "array_new_data", "is no bindings.Dtype", 1)
	}
}
