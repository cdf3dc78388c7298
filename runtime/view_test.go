package runtime_test

import (
	"errors"
	"io"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestViewCopiesNothing: two views of an array, and one of an array that shares
// its memory, are at the same place.
func TestViewCopiesNothing(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, ramp[float32](1<<20))
		defer x.Close()
		flat := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Reshape(x, 1<<10, 1<<10) })
		defer flat.Close()
		place := func(a mlx.Array) (at *float32) {
			require.NoError(t, mlx.View(th, a, func(v []float32) error {
				require.Len(t, v, 1<<20)
				at = unsafe.SliceData(v)
				return nil
			}))
			return at
		}
		first := place(x)
		require.Equal(t, first, place(x))
		require.Equal(t, first, place(flat))
		require.Less(t, testing.AllocsPerRun(3, func() { place(x) }), 40.0, "nothing of the array's size")
	})
}

// TestViewHoldsTheArray: f may close its array, and compute with its memory gone
// from everybody else's hands.
func TestViewHoldsTheArray(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		x := build(t, th, func(s *mlx.Scope) mlx.Array {
			return s.Add(s.Ones([]int{4096}, mlx.Float32), s.Ones([]int{4096}, mlx.Float32))
		})
		require.NoError(t, mlx.View(th, x, func(v []float32) error {
			y := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Negative(x) })
			require.NoError(t, x.Close())
			require.Equal(t, float32(-2), read[float32](t, th, y)[0])
			for _, e := range v {
				require.InDelta(t, 2, e, 0)
			}
			return nil
		}))
	})
}

func TestViewPassesErrorsOn(t *testing.T) {
	mine := errors.New("mine")
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []int32{1, 2})
		defer x.Close()
		require.Equal(t, mine, mlx.View(th, x, func([]int32) error { return mine }))
		err := mlx.View(th, x, func([]int64) error { t.Error("called"); return nil })
		require.ErrorContains(t, err, "mlx: view: the array holds int32, not int64 (view_test.go:")
		err = mlx.View(th, mlx.Array{}, func([]int64) error { t.Error("called"); return nil })
		require.ErrorContains(t, err, "the array is null")
		require.PanicsWithValue(t, "mine", func() {
			_ = mlx.View(th, x, func([]int32) error { panic("mine") })
		}, "and nothing leaks")

		empty := slice(t, th, []float32{}, 0, 3)
		defer empty.Close()
		require.NoError(t, mlx.View(th, empty, func(v []float32) error {
			require.Empty(t, v)
			return nil
		}))
	})
	require.ErrorIs(t, mlx.View(nil, mlx.Array{}, func([]int32) error { return nil }), mlx.ErrOutsideDo)
}

// TestBoolsOfFiles: MLX takes bytes from a file as they are, and a Go bool that is
// neither 0 nor 1 is undefined.
func TestBoolsOfFiles(t *testing.T) {
	path := safetensorsFile(t, `{"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}`, []byte{0, 1, 2, 255})
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, _, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		a := arrays["a"]
		defer a.Close()
		want := []uint8{0, 1, 1, 1}
		bytes := func(bools []bool) []uint8 {
			return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(bools))), len(bools))
		}
		v, err := mlx.Values[bool](th, a)
		require.NoError(t, err)
		require.Equal(t, want, bytes(v))
		require.NoError(t, mlx.View(th, a, func(v []bool) error {
			require.Equal(t, want, bytes(v))
			return nil
		}))
	})
}

// TestReadingFailsCleanly lets every operation that a call runs fail once.
func TestReadingFailsCleanly(t *testing.T) {
	mine := errors.New("mine")
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, ramp[int32](2000), 40, 50)
		defer x.Close()
		for name, call := range map[string]func() error{
			"at":     func() error { _, err := mlx.At[int32](th, x, 1, 2); return err },
			"format": func() error { _, err := mlx.Format(th, x); return err },
			"npy": func() error {
				a, err := mlx.LoadNPY(th, npyFiles+"fortran-int16.npy")
				return errors.Join(err, a.Close())
			},
			"npz": func() error {
				arrays, err := mlx.LoadNPZ(th, npyFiles+"stored.npz")
				closeAll(t, arrays)
				return err
			},
			"export": func() error {
				return mlx.WriteFunction(th, io.Discard, func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
					return []mlx.Array{s.Negative(args[0])}
				}, []mlx.Array{x})
			},
		} {
			before := th.Ops()
			require.NoError(t, call())
			count := th.Ops() - before
			require.Positive(t, count, name)
			for n := 1; n <= count; n++ {
				th.FailAt(n, mine)
				require.ErrorIs(t, call(), mine, "%s: operation %d of %d", name, n, count)
			}
			th.FailAt(0, nil)
		}
	})
}
