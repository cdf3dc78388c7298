package runtime_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, binary.Write(&b, binary.LittleEndian, v))
	return b.Bytes()
}

func TestFromReader(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		floats, ints := []float32{1, -2, 0.5, float32(math.Inf(1))}, []int16{-1, 256, 3}
		r := iotest.OneByteReader(bytes.NewReader(append(append(encode(t, floats), encode(t, ints)...), "rest"...)))
		a, err := mlx.FromReader(th, r, mlx.Float32, 2, 2)
		require.NoError(t, err)
		require.Equal(t, floats, read[float32](t, th, a))
		a, err = mlx.FromReader(th, r, mlx.Int16, 3)
		require.NoError(t, err)
		require.Equal(t, ints, read[int16](t, th, a))
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "rest", string(rest), "nothing more was read")

		large := ramp[int32](1 << 20)
		a, err = mlx.FromReader(th, bytes.NewReader(encode(t, large)), mlx.Int32, 1<<20)
		require.NoError(t, err)
		require.Equal(t, large, read[int32](t, th, a))
		a, err = mlx.FromReader(th, strings.NewReader(""), mlx.Int32, 0, 5)
		require.NoError(t, err)
		require.Empty(t, read[int32](t, th, a))
	})
}

func TestFromReaderOfTooLittle(t *testing.T) {
	mine := errors.New("mine")
	leaktest.Do(t, func(th *mlx.Thread) {
		for n := range 16 {
			_, err := mlx.FromReader(th, bytes.NewReader(make([]byte, n)), mlx.Float64, 2)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
		_, err := mlx.FromReader(th, strings.NewReader("1234567"), mlx.Float32, 2)
		require.ErrorContains(t, err, "mlx: from_reader: the data ends after 7 of 8 bytes: unexpected EOF (make_test.go:")
		_, err = mlx.FromReader(th, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(mine)), mlx.Float32, 2)
		require.ErrorIs(t, err, mine)
		require.ErrorContains(t, err, "after 2 of 8 bytes: mine")
		_, err = mlx.FromReader(th, strings.NewReader("\x01\x00\x07"), mlx.Bool, 3)
		require.ErrorContains(t, err, "element 2 is 7, no bool")
		_, err = mlx.FromReader(th, strings.NewReader(""), mlx.Float32, -1)
		require.ErrorContains(t, err, "dimension 0 of the shape is -1")
		_, err = mlx.FromReader(th, strings.NewReader(""), mlx.Dtype(99), 1)
		require.Error(t, err)
		_, err = mlx.FromReader(th, strings.NewReader(""), mlx.Float64, 1<<30, 1<<30, 4)
		require.ErrorContains(t, err, "memory has addresses")
	})
}

// TestFromReaderAllocatesWhatArrives: a shape of a petabyte costs a megabyte.
func TestFromReaderAllocatesWhatArrives(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		got := allocated(func() {
			_, err := mlx.FromReader(th, strings.NewReader("12345678"), mlx.Float32, 1<<24, 1<<24)
			require.ErrorContains(t, err, "the data ends after 8 of 1125899906842624 bytes")
		})
		require.Less(t, got, uint64(3<<20))
	})
}

func TestFromSeq(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		a, err := mlx.FromSeq(th, slices.Values([]float64{1, 2, 3}))
		require.NoError(t, err)
		require.Equal(t, []float64{1, 2, 3}, read[float64](t, th, a))
		a, err = mlx.FromSeq(th, slices.Values(ramp[uint8](6)), 2, 3)
		require.NoError(t, err)
		five, err := mlx.At[uint8](th, a, 1, 2)
		require.NoError(t, err)
		require.Equal(t, uint8(5), five)
		require.NoError(t, a.Close())

		asked := 0
		var endless iter.Seq[int32] = func(yield func(int32) bool) {
			for yield(int32(asked)) {
				asked++
			}
		}
		_, err = mlx.FromSeq(th, endless, 2, 2)
		require.ErrorContains(t, err, "mlx: from_seq: the shape has 4 elements, the sequence more (make_test.go:")
		require.Equal(t, 4, asked)
		_, err = mlx.FromSeq(th, slices.Values([]int32{1}), 2)
		require.ErrorContains(t, err, "the shape has 2 elements, the data 1")
		_, err = mlx.FromSeq(th, slices.Values([]int32{1}), -2)
		require.ErrorContains(t, err, "dimension 0")
	})
	_, err := mlx.FromSeq(nil, slices.Values([]int32{1}))
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
	_, err = mlx.FromReader(nil, nil, mlx.Bool)
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}
