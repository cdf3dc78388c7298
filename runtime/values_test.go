package runtime_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ramp makes 0, 1, 2, ... as T, true at odd places for bool.
func ramp[T mlx.Element](n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = element[T](i)
	}
	return out
}

// element converts a small int to T.
func element[T mlx.Element](i int) T {
	var v any
	switch any(*new(T)).(type) {
	case bool:
		v = i%2 == 1
	case uint8:
		v = uint8(i)
	case uint16:
		v = uint16(i)
	case uint32:
		v = uint32(i)
	case uint64:
		v = uint64(i)
	case int8:
		v = int8(i)
	case int16:
		v = int16(i)
	case int32:
		v = int32(i)
	case int64:
		v = int64(i)
	case mlx.F16:
		v = mlx.ToF16(float32(i))
	case float32:
		v = float32(i)
	case float64:
		v = float64(i)
	case mlx.BF16:
		v = mlx.ToBF16(float32(i))
	case complex64:
		v = complex(float32(i), float32(-i))
	}
	return v.(T)
}

// layouts are views of the ramp 0..23 in shape (2, 3, 4), and which of its
// elements they show in row-major order, as NumPy's indexing has it.
var layouts = map[string]struct {
	view func(s *mlx.Scope, x mlx.Array) mlx.Array
	want []int
}{
	"as made":    {func(_ *mlx.Scope, x mlx.Array) mlx.Array { return x }, count(24)},
	"transposed": {func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Transpose(x) }, []int{0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23}},
	"axes swapped": {func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.TransposeAxes(x, 0, 2, 1) },
		[]int{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23}},
	"sliced":           {view([]int{0, 1, 1}, []int{2, 3, 3}, []int{1, 1, 1}), []int{5, 6, 9, 10, 17, 18, 21, 22}},
	"leading slice":    {view([]int{1, 0, 0}, []int{2, 3, 4}, []int{1, 1, 1}), []int{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
	"every other":      {view([]int{0, 0, 0}, []int{2, 3, 4}, []int{1, 2, 3}), []int{0, 3, 8, 11, 12, 15, 20, 23}},
	"negative strides": {view([]int{1, 2, 3}, []int{-3, -4, -5}, []int{-1, -1, -1}), reversed(24)},
	"one reversed":     {view([]int{0, 0, 3}, []int{1, 1, -5}, []int{1, 1, -1}), []int{3, 2, 1, 0}},
	"broadcast": {func(s *mlx.Scope, x mlx.Array) mlx.Array {
		return s.BroadcastTo(s.Slice(x, []int{0, 0, 0}, []int{1, 3, 1}, []int{1, 1, 1}), 2, 3, 2)
	}, []int{0, 0, 4, 4, 8, 8, 0, 0, 4, 4, 8, 8}},
	"scalar broadcast": {func(s *mlx.Scope, x mlx.Array) mlx.Array {
		return s.BroadcastTo(s.Slice(x, []int{1, 1, 1}, []int{2, 2, 2}, []int{1, 1, 1}), 2, 2, 2)
	}, []int{17, 17, 17, 17, 17, 17, 17, 17}},
	"overlapping windows":  {func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.AsStrided(x, []int{3, 4}, []int64{2, 1}, 5) }, []int{5, 6, 7, 8, 7, 8, 9, 10, 9, 10, 11, 12}},
	"backwards as strided": {func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.AsStrided(x, []int{4}, []int64{-3}, 23) }, []int{23, 20, 17, 14}},
	"empty":                {view([]int{1, 1, 1}, []int{1, 3, 4}, []int{1, 1, 1}), nil},
	"one element":          {view([]int{1, 2, 3}, []int{2, 3, 4}, []int{1, 1, 1}), []int{23}},
}

func view(start, stop, strides []int) func(*mlx.Scope, mlx.Array) mlx.Array {
	return func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Slice(x, start, stop, strides) }
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func reversed(n int) []int {
	out := count(n)
	slices.Reverse(out)
	return out
}

func TestValuesOfEveryLayoutAndDtype(t *testing.T) {
	t.Run("bool", testLayouts[bool])
	t.Run("uint8", testLayouts[uint8])
	t.Run("uint16", testLayouts[uint16])
	t.Run("uint32", testLayouts[uint32])
	t.Run("uint64", testLayouts[uint64])
	t.Run("int8", testLayouts[int8])
	t.Run("int16", testLayouts[int16])
	t.Run("int32", testLayouts[int32])
	t.Run("int64", testLayouts[int64])
	t.Run("float16", testLayouts[mlx.F16])
	t.Run("float32", testLayouts[float32])
	t.Run("float64", testLayouts[float64])
	t.Run("bfloat16", testLayouts[mlx.BF16])
	t.Run("complex64", testLayouts[complex64])
}

func testLayouts[T mlx.Element](t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, ramp[T](24), 2, 3, 4)
		defer x.Close()
		for name, tt := range layouts {
			want := make([]T, len(tt.want))
			for i, at := range tt.want {
				want[i] = element[T](at)
			}
			y := build(t, th, func(s *mlx.Scope) mlx.Array {
				require.Equal(t, mlx.DtypeFor[T](), s.DtypeOf(x))
				return tt.view(s, x)
			})
			require.Equal(t, want, read[T](t, th, y), name)
		}
	})
}

func TestValuesWidensWithoutLoss(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		require.Equal(t, []int64{-128, 127}, read[int64](t, th, slice(t, th, []int8{-128, 127})))
		require.Equal(t, []int16{0, 255}, read[int16](t, th, slice(t, th, []uint8{0, 255})))
		require.Equal(t, []uint64{1<<32 - 1}, read[uint64](t, th, slice(t, th, []uint32{1<<32 - 1})))
		require.Equal(t, []int64{1<<32 - 1}, read[int64](t, th, slice(t, th, []uint32{1<<32 - 1})))
		require.Equal(t, []float64{-1.5, 0.25}, read[float64](t, th, slice(t, th, []float32{-1.5, 0.25})))
		require.Equal(t, []float64{0.5}, read[float64](t, th, slice(t, th, []mlx.F16{0x3800})))
		require.Equal(t, []float32{-2}, read[float32](t, th, slice(t, th, []mlx.BF16{0xc000})))
	})
}

func TestValuesRefusesLoss(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		floats, ints := slice(t, th, []float32{1}), slice(t, th, []int32{1})
		defer floats.Close()
		defer ints.Close()
		_, err := mlx.Values[int32](th, floats)
		require.ErrorContains(t, err, "the array holds float32, which int32 does not hold without loss (values_test.go:")
		_, err = mlx.Values[float32](th, ints)
		require.ErrorContains(t, err, "holds int32, which float32 does not")
		_, err = mlx.Values[uint64](th, ints)
		require.ErrorContains(t, err, "holds int32, which uint64 does not")
		_, err = mlx.Values[mlx.F16](th, floats)
		require.ErrorContains(t, err, "holds float32, which float16 does not")
		_, err = mlx.Values[float32](th, mlx.Array{})
		require.ErrorContains(t, err, "mlx: values: the array is null")
	})
}

// TestValuesReportsErrorsOfTheComputation: what fails only at eval.
func TestValuesReportsErrorsOfTheComputation(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		singular := slice(t, th, make([]float32, 4), 2, 2)
		defer singular.Close()
		y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Inv(singular) })
		_, err := mlx.Values[float32](th, y)
		require.Error(t, err)
		require.NoError(t, y.Close())
	})
}

func TestItem(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []int32{7}, []int{}...)
		v, err := mlx.Item[int32](th, x)
		require.NoError(t, err)
		require.Equal(t, int32(7), v)
		wide, err := mlx.Item[int64](th, x)
		require.NoError(t, err)
		require.Equal(t, int64(7), wide)
		require.NoError(t, x.Close())

		y := slice(t, th, []float32{1, 2})
		_, err = mlx.Item[float32](th, y)
		require.ErrorContains(t, err, "mlx: item: the array has 2 elements, not 1 (values_test.go:")
		require.NoError(t, y.Close())
		_, err = mlx.Item[float32](th, mlx.Array{})
		require.Error(t, err)
	})
}

func TestIter(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []int32{3, 1, 2})
		seq, err := mlx.Iter[int32](th, x)
		require.NoError(t, err)
		require.NoError(t, x.Close())
		require.Equal(t, []int32{3, 1, 2}, slices.Collect(seq))
		_, err = mlx.Iter[int32](th, mlx.Array{})
		require.Error(t, err)
	})
}
