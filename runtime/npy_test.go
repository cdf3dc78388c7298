package runtime_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// npyFiles were written by NumPy and MLX: testdata/npy.py.
const npyFiles = "testdata/npy/"

// requireNPY loads a file in both ways and wants the ramp in shape (2, 3).
func requireNPY[T mlx.Element](t *testing.T, th *mlx.Thread, name string) {
	t.Helper()
	a, err := mlx.LoadNPY(th, npyFiles+name+".npy")
	require.NoError(t, err, name)
	raw, err := os.ReadFile(npyFiles + name + ".npy")
	require.NoError(t, err)
	r := bytes.NewReader(append(raw, "rest"...))
	b, err := mlx.ReadNPY(th, r)
	require.NoError(t, err, name)
	require.Equal(t, len("rest"), r.Len(), "the array and no more")
	for _, x := range []mlx.Array{a, b} {
		dtype, err := x.Dtype()
		require.NoError(t, err)
		require.Equal(t, mlx.DtypeFor[T](), dtype, name)
		shape, err := x.Shape()
		require.NoError(t, err)
		require.Equal(t, []int32{2, 3}, shape, name)
		require.Equal(t, ramp[T](6), read[T](t, th, x), name)
	}
}

func TestNPYOfEveryKind(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		requireNPY[bool](t, th, "bool")
		requireNPY[uint8](t, th, "uint8")
		requireNPY[uint16](t, th, "uint16")
		requireNPY[uint32](t, th, "uint32")
		requireNPY[uint64](t, th, "uint64")
		requireNPY[int8](t, th, "int8")
		requireNPY[int16](t, th, "int16")
		requireNPY[int32](t, th, "int32")
		requireNPY[int64](t, th, "int64")
		requireNPY[mlx.F16](t, th, "float16")
		requireNPY[float32](t, th, "float32")
		requireNPY[float64](t, th, "float64")
		requireNPY[mlx.BF16](t, th, "bfloat16")
		requireNPY[complex64](t, th, "complex64")
		requireNPY[float32](t, th, "fortran-float32")
		requireNPY[int16](t, th, "fortran-int16")
		requireNPY[int16](t, th, "big-i2")
		requireNPY[uint32](t, th, "big-u4")
		requireNPY[float64](t, th, "big-f8")
		requireNPY[mlx.F16](t, th, "big-f2")
		requireNPY[complex64](t, th, "big-c8")
		requireNPY[int32](t, th, "version2")
		requireNPY[int32](t, th, "version3")

		scalar, err := mlx.LoadNPY(th, npyFiles+"scalar.npy")
		require.NoError(t, err)
		require.Equal(t, []int32{7}, read[int32](t, th, scalar))
		empty, err := mlx.LoadNPY(th, npyFiles+"empty.npy")
		require.NoError(t, err)
		require.Empty(t, read[float32](t, th, empty))
	})
}

func TestNPYCutAnywhere(t *testing.T) {
	raw, err := os.ReadFile(npyFiles + "fortran-float32.npy")
	require.NoError(t, err)
	leaktest.Do(t, func(th *mlx.Thread) {
		for n := range len(raw) {
			_, err := mlx.ReadNPY(th, bytes.NewReader(raw[:n]))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.ErrorContains(t, err, "mlx: read_npy: ")
		}
		huge := bytes.Replace(raw, []byte("(2, 3), }        "), []byte("(99999999, 9999), }"), 1)
		require.Less(t, allocated(func() {
			_, err := mlx.ReadNPY(th, bytes.NewReader(huge[:len(raw)]))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}), uint64(3<<20), "memory grows with what arrives")
	})
}

func TestNPYThatIsRefused(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		paths, err := filepath.Glob(npyFiles + "bad-*.npy")
		require.NoError(t, err)
		require.Len(t, paths, 7)
		for _, path := range paths {
			_, err := mlx.LoadNPY(th, path)
			require.ErrorContains(t, err, "mlx: load_npy: "+path+": header: descr: ")
		}
		_, err = mlx.LoadNPY(th, npyFiles+"missing.npy")
		require.ErrorIs(t, err, os.ErrNotExist)
		_, err = mlx.ReadNPY(th, strings.NewReader("\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': True, 'shape': (0,4294967296)}"))
		require.ErrorContains(t, err, "dimension 0 of the shape is 4294967296")
		bad, err := os.ReadFile(npyFiles + "bool.npy")
		require.NoError(t, err)
		bad[len(bad)-1] = 3
		_, err = mlx.ReadNPY(th, bytes.NewReader(bad))
		require.ErrorContains(t, err, "element 5 is 3, no bool")
	})
}

func TestNPZ(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		stored, err := mlx.LoadNPZ(th, npyFiles+"stored.npz")
		require.NoError(t, err)
		require.Len(t, stored, 2)
		require.Equal(t, ramp[float32](6), read[float32](t, th, stored["a"]))
		require.Equal(t, ramp[int64](6), read[int64](t, th, stored["b"]))

		raw, err := os.ReadFile(npyFiles + "deflated.npz")
		require.NoError(t, err)
		deflated, err := mlx.ReadNPZ(th, bytes.NewReader(raw), int64(len(raw)))
		require.NoError(t, err)
		require.Equal(t, ramp[float32](6), read[float32](t, th, deflated["a"]))
		require.Equal(t, make([]uint8, 100_000), read[uint8](t, th, deflated["zeros"]))

		ofMLX, err := mlx.LoadNPZ(th, npyFiles+"mlx.npz")
		require.NoError(t, err)
		require.Equal(t, ramp[float32](6), read[float32](t, th, ofMLX["a"]))
		require.Equal(t, ramp[mlx.F16](6), read[mlx.F16](t, th, ofMLX["h"]))
	})
}

// TestNPZBombs: what unpacks to too much is refused before it is unpacked.
func TestNPZBombs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bomb.npz")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	head, err := os.ReadFile(npyFiles + "uint8.npy")
	require.NoError(t, err)
	head = bytes.Replace(head[:128], []byte("(2, 3), }  "), []byte("(8388608,)}"), 1)
	require.Contains(t, string(head), "8388608")
	zeros := make([]byte, 8<<20)
	for _, name := range []string{"a.npy", "b.npy"} {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(append(head, zeros...))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	leaktest.Do(t, func(th *mlx.Thread) {
		require.Less(t, allocated(func() {
			_, err := mlx.LoadNPZ(th, path, mlx.WithMaxBytes(10<<20))
			require.ErrorContains(t, err, "mlx: load_npz: "+path+`: entry "b.npy": the arrays have more than the 10485760 bytes allowed`)
		}), uint64(1<<20))
		arrays, err := mlx.LoadNPZ(th, path)
		require.NoError(t, err)
		closeAll(t, arrays)

		for n := 0; n < b.Len(); n += b.Len()/50 + 1 {
			_, err := mlx.ReadNPZ(th, bytes.NewReader(b.Bytes()[:n]), int64(n))
			require.ErrorContains(t, err, "mlx: read_npz: ")
		}
		damaged := bytes.Clone(b.Bytes())
		damaged[len(damaged)*3/4] ^= 0xff // in b, when a was read already
		_, err = mlx.ReadNPZ(th, bytes.NewReader(damaged), int64(len(damaged)))
		require.ErrorContains(t, err, `entry "b.npy": `)
		_, err = mlx.ReadNPZ(th, bytes.NewReader(nil), -1)
		require.ErrorContains(t, err, "not a whole .npz file")
		_, err = mlx.LoadNPZ(th, path+".missing")
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}
