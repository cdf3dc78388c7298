package runtime_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestFromSliceShapes(t *testing.T) {
	tests := []struct {
		name  string
		n     int
		shape []int
		want  []int
		says  string
	}{
		{"none is one dimension", 3, nil, []int{3}, ""},
		{"empty is a scalar", 1, []int{}, []int{}, ""},
		{"matrix", 6, []int{2, 3}, []int{2, 3}, ""},
		{"no elements", 0, []int{4, 0, 2}, []int{4, 0, 2}, ""},
		{"no elements, no shape", 0, nil, []int{0}, ""},
		{"too few", 5, []int{2, 3}, nil, "the shape has 6 elements, the data 5"},
		{"too many for a scalar", 2, []int{}, nil, "the shape has 1 elements, the data 2"},
		{"negative", 6, []int{-2, -3}, nil, "dimension 0 of the shape is -2"},
		{"too large a dimension", 1, []int{1 << 31}, nil, "dimension 0 of the shape is 2147483648"},
		{"overflow", 0, []int{1 << 30, 1 << 30, 1 << 30}, nil, "more elements than fit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				a, err := mlx.FromSlice(th, make([]float32, tt.n), tt.shape...)
				if tt.says != "" {
					require.ErrorContains(t, err, tt.says)
					require.ErrorContains(t, err, "mlx: from_slice: ")
					require.ErrorContains(t, err, "(array_test.go:")
					return
				}
				require.NoError(t, err)
				b := build(t, th, func(s *mlx.Scope) mlx.Array {
					require.Equal(t, tt.want, s.Shape(a))
					return s.Add(a, a)
				})
				require.Len(t, read[float32](t, th, b), tt.n)
				require.NoError(t, a.Close())
			})
		})
	}
}

func TestFromSliceCopies(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		data := []int32{1, 2, 3}
		a := slice(t, th, data)
		clear(data)
		require.Equal(t, []int32{1, 2, 3}, read[int32](t, th, a))
	})
}

func TestScalars(t *testing.T) {
	inf := math.Inf(1)
	good := []struct {
		v     float64
		dtype mlx.Dtype
	}{
		{1, mlx.Bool}, {255, mlx.Uint8}, {65535, mlx.Uint16}, {1<<32 - 1, mlx.Uint32}, {1 << 63, mlx.Uint64},
		{-128, mlx.Int8}, {-32768, mlx.Int16}, {-1 << 31, mlx.Int32}, {-1 << 63, mlx.Int64}, {127, mlx.Int8},
		{-1.5, mlx.Float16}, {-1.5, mlx.BFloat16}, {-1.5, mlx.Float32}, {math.Pi, mlx.Float64}, {2.5, mlx.Complex64}, {inf, mlx.Float16},
	}
	bad := []struct {
		v     float64
		dtype mlx.Dtype
	}{
		{256, mlx.Uint8}, {-1, mlx.Uint8}, {0.5, mlx.Int32}, {1 << 31, mlx.Int32}, {1 << 63, mlx.Int64}, {1 << 64, mlx.Uint64},
		{128, mlx.Int8}, {-129, mlx.Int8}, {inf, mlx.Int64}, {math.NaN(), mlx.Int64}, {1, 99},
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		for _, tt := range good {
			a := build(t, th, func(s *mlx.Scope) mlx.Array {
				x := s.Scalar(tt.v, tt.dtype)
				require.Equal(t, tt.dtype, s.DtypeOf(x))
				require.Empty(t, s.Shape(x))
				return s.AsType(x, mlx.Float64)
			})
			require.Equal(t, []float64{tt.v}, read[float64](t, th, a), "%v", tt.dtype)
		}
		for _, tt := range bad {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Scalar(tt.v, tt.dtype) })
			require.ErrorContains(t, err, "mlx: scalar: ", "%v as %v", tt.v, tt.dtype)
		}
	})
}

func TestConstAndOwnBelongToTheScope(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		y := build(t, th, func(s *mlx.Scope) mlx.Array {
			a := mlx.Const(s, []float32{1, 2, 3, 4}, 2, 2)
			b := s.Own(mlx.FromSlice(th, []float32{10, 20}))
			return s.Add(a, b)
		})
		require.Equal(t, []float32{11, 22, 13, 24}, read[float32](t, th, y))
		boom := errors.New("boom")
		_, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Own(mlx.Array{}, boom) })
		require.ErrorIs(t, err, boom)
		_, err = th.Build(func(s *mlx.Scope) mlx.Array {
			s.Fail(boom)
			require.Equal(t, mlx.Array{}, mlx.Const(s, []float32{1}))
			return s.Own(mlx.FromSlice(th, []float32{10, 20})) // freed all the same
		})
		require.ErrorIs(t, err, boom)
	})
}

func TestZeros(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, err := th.Zeros(mlx.Int16, 2, 2)
		require.NoError(t, err)
		require.Equal(t, []int16{0, 0, 0, 0}, read[int16](t, th, a))
		_, err = th.Zeros(mlx.Int16, -1)
		require.Error(t, err)
	})
}

func TestFromBytes(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, err := mlx.FromBytes(th, mlx.BFloat16, []byte{0x80, 0x3f, 0, 0xc0}, 2, 1)
		require.NoError(t, err)
		require.Equal(t, []float32{1, -2}, read[float32](t, th, a))
		for name, tt := range map[string]struct {
			dtype mlx.Dtype
			size  int
			shape []int
			says  string
		}{
			"part of an element": {mlx.Float32, 6, []int{1}, "6 bytes are no whole number of float32"},
			"another shape":      {mlx.Float32, 8, []int{3}, "the shape has 3 elements, the data 2"},
			"no such dtype":      {99, 8, []int{8}, "dtype"},
			"negative":           {mlx.Uint8, 8, []int{-8}, "dimension 0 of the shape is -8"},
		} {
			_, err := mlx.FromBytes(th, tt.dtype, make([]byte, tt.size), tt.shape...)
			require.ErrorContains(t, err, tt.says, name)
			require.ErrorContains(t, err, "mlx: from_bytes: ", name)
			require.ErrorContains(t, err, "(array_test.go:", name)
		}
	})
}

func TestCloseAll(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := []mlx.Array{slice(t, th, []int8{1}), {}, slice(t, th, []int8{2})}
		require.NoError(t, mlx.CloseAll(arrays...))
		require.Equal(t, make([]mlx.Array, 3), arrays)
		require.NoError(t, mlx.CloseAll(arrays...))
		require.NoError(t, mlx.CloseAll())
	})
}

func TestOptionals(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		sum := build(t, th, func(s *mlx.Scope) mlx.Array {
			return s.Cumsum(mlx.Const(s, []int8{100, 100}), false, true, mlx.SomeDtype(mlx.Int32))
		})
		require.Equal(t, []int32{100, 200}, read[int32](t, th, sum))
		finite := build(t, th, func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, []float32{float32(math.Inf(1)), float32(math.Inf(-1))})
			return s.NaNToNum(x, 0, mlx.SomeFloat(5), mlx.SomeFloat(-6))
		})
		require.Equal(t, []float32{5, -6}, read[float32](t, th, finite))
		packed := build(t, th, func(s *mlx.Scope) mlx.Array {
			x := mlx.Const(s, make([]float32, 128), 2, 64)
			q := s.Quantize(x, mlx.SomeInt(32), mlx.SomeInt(8), "affine", mlx.Array{})
			require.Equal(t, []int{2, 16}, s.Shape(q[0]), "four elements of 8 bits in each uint32")
			require.Equal(t, []int{2, 2}, s.Shape(q[1]), "one scale for 32 elements")
			return q[1]
		})
		require.NoError(t, packed.Close())
	})
}
