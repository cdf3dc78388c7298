package runtime_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// affineOf is the function of affine.mlxfn: x @ [[0 1 2], [3 4 5]] + y, and x
// twice.
func affineOf(w mlx.Array) mlx.Func {
	return func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
		x := args[0]
		return []mlx.Array{s.Add(s.Matmul(x, w), args[1]), s.ConcatenateAxis([]mlx.Array{x, x}, 1)}
	}
}

// requireAffine calls an imported function and compares with what it should be.
func requireAffine(t *testing.T, th *mlx.Thread, f *mlx.Imported) {
	t.Helper()
	call := func(x, y mlx.Array) []mlx.Array {
		defer x.Close()
		defer y.Close()
		out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s, x, y) })
		require.NoError(t, err)
		require.Len(t, out, 2)
		return out
	}
	out := call(slice(t, th, []float32{1, 2}, 1, 2), slice(t, th, []float32{10, 20, 30}))
	require.Equal(t, []float32{16, 29, 42}, read[float32](t, th, out[0]))
	require.Equal(t, []float32{1, 2, 1, 2}, read[float32](t, th, out[1]))
	out = call(slice(t, th, ramp[float32](8), 4, 2), slice(t, th, []float32{0.5}))
	require.Equal(t, []float32{3.5, 4.5, 5.5, 9.5, 14.5, 19.5, 15.5, 24.5, 33.5, 21.5, 34.5, 47.5}, read[float32](t, th, out[0]))
	require.NoError(t, out[1].Close())
}

// on runs f on a Worker whose thread is not the process's first.
func on(t *testing.T, f func(th *mlx.Thread)) {
	t.Helper()
	w := mlx.NewWorker()
	require.NoError(t, w.Do(t.Context(), func(th *mlx.Thread) error { f(th); return nil }))
	require.NoError(t, w.Stop())
}

// TestImportOfPython runs what Python exported, on any thread.
func TestImportOfPython(t *testing.T) {
	run := func(th *mlx.Thread) {
		f, err := mlx.ImportFunction(th, "testdata/affine.mlxfn")
		require.NoError(t, err)
		requireAffine(t, th, f)
		require.NoError(t, f.Close())
		require.NoError(t, f.Close())

		raw, err := os.ReadFile("testdata/named.mlxfn")
		require.NoError(t, err)
		minus, err := mlx.ReadFunction(th, bytes.NewReader(raw))
		require.NoError(t, err)
		defer minus.Close()
		x, y := slice(t, th, []float32{5, 6, 7}), slice(t, th, []float32{1, 2, 4})
		defer mlx.CloseAll(x, y)
		out := build(t, th, func(s *mlx.Scope) mlx.Array {
			return minus.ApplyNamed(s, []mlx.Array{x}, map[string]mlx.Array{"y": y})[0]
		})
		require.Equal(t, []float32{4, 4, 3}, read[float32](t, th, out))
	}
	leaktest.Do(t, run)
	on(t, run)
}

// TestExportAndImport: several graphs in one file, made and read on any thread.
func TestExportAndImport(t *testing.T) {
	var path string
	export := func(th *mlx.Thread) {
		path = filepath.Join(t.TempDir(), "affine.mlxfn")
		w := slice(t, th, ramp[float32](6), 2, 3)
		x1, y1 := slice(t, th, make([]float32, 2), 1, 2), slice(t, th, make([]float32, 3))
		x4, y4 := slice(t, th, make([]float32, 8), 4, 2), slice(t, th, make([]float32, 1))
		defer mlx.CloseAll(w, x1, y1, x4, y4)
		require.NoError(t, mlx.ExportFunction(th, path, affineOf(w), []mlx.Array{x1, y1}, mlx.WithTrace(x4, y4)))
		var out bytes.Buffer
		require.NoError(t, mlx.WriteFunction(th, &out, affineOf(w), []mlx.Array{x1, y1}, mlx.WithTrace(x4, y4)))
		f, err := mlx.ReadFunction(th, &out)
		require.NoError(t, err)
		defer f.Close()
		requireAffine(t, th, f)
	}
	imported := func(th *mlx.Thread) {
		f, err := mlx.ImportFunction(th, path)
		require.NoError(t, err)
		defer f.Close()
		requireAffine(t, th, f)
	}
	leaktest.Do(t, export)
	leaktest.Do(t, imported)
	on(t, imported)
	on(t, export)
	leaktest.Do(t, imported)
	on(t, imported)
}

func TestExportWithoutShapesAndByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.mlxfn")
	leaktest.Do(t, func(th *mlx.Thread) {
		x, long := slice(t, th, []float32{1, 2}), slice(t, th, ramp[float32](5))
		defer mlx.CloseAll(x, long)
		double := func(s *mlx.Scope, args []mlx.Array) []mlx.Array { return []mlx.Array{s.Add(args[0], args[0])} }
		require.NoError(t, mlx.ExportFunction(th, path, double, []mlx.Array{x}, mlx.WithoutShapes()))
		f, err := mlx.ImportFunction(th, path)
		require.NoError(t, err)
		out := build(t, th, func(s *mlx.Scope) mlx.Array { return f.Call(s, long)[0] })
		require.Equal(t, []float32{0, 2, 4, 6, 8}, read[float32](t, th, out))
		square := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
			out := f.Apply(s, args)
			if s.Err() != nil {
				return nil
			}
			return []mlx.Array{s.Sum(s.Square(out[0]), false)}
		}
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return mlx.Grad(square)(s, []mlx.Array{long}) })
		require.ErrorContains(t, err, "a function that was exported without shapes cannot be transformed")
		require.NoError(t, f.Close())

		require.NoError(t, mlx.ExportFunction(th, path, double, []mlx.Array{long}))
		f, err = mlx.ImportFunction(th, path)
		require.NoError(t, err)
		slope := build(t, th, func(s *mlx.Scope) mlx.Array { return mlx.Grad(square)(s, []mlx.Array{long})[0] })
		require.Equal(t, []float32{0, 8, 16, 24, 32}, read[float32](t, th, slope))
		require.NoError(t, f.Close())

		named := func(s *mlx.Scope, args []mlx.Array, named map[string]mlx.Array) []mlx.Array {
			return []mlx.Array{s.Subtract(args[0], named["Y"])}
		}
		require.NoError(t, mlx.ExportNamed(th, path, named, []mlx.Array{x}, map[string]mlx.Array{"Y": x}))
		f, err = mlx.ImportFunction(th, path)
		require.NoError(t, err)
		defer f.Close()
		y := slice(t, th, []float32{5, 5})
		defer y.Close()
		out = build(t, th, func(s *mlx.Scope) mlx.Array { return f.ApplyNamed(s, []mlx.Array{x}, map[string]mlx.Array{"Y": y})[0] })
		require.Equal(t, []float32{-4, -3}, read[float32](t, th, out))
	})
}

// TestExportFails without a trace, with the function's own error.
func TestExportFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.mlxfn")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	mine := errors.New("mine")
	identity := func(_ *mlx.Scope, args []mlx.Array) []mlx.Array { return args }
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, 2})
		defer x.Close()
		args := []mlx.Array{x}
		for want, f := range map[string]mlx.Func{
			"mine":                func(s *mlx.Scope, args []mlx.Array) []mlx.Array { s.Fail(mine); return args },
			"panic in a callback": func(*mlx.Scope, []mlx.Array) []mlx.Array { panic("boom") },
			"returned no array":   func(*mlx.Scope, []mlx.Array) []mlx.Array { return nil },
			"result 0 is null":    func(*mlx.Scope, []mlx.Array) []mlx.Array { return []mlx.Array{{}} },
			"mlx: matmul: [matmul]": func(s *mlx.Scope, _ []mlx.Array) []mlx.Array {
				return []mlx.Array{s.Matmul(x, s.Zeros([]int{3}, mlx.Float32))}
			},
		} {
			err := mlx.ExportFunction(th, path, f, args)
			if want == "mlx: matmul: [matmul]" {
				require.ErrorContains(t, err, "mlx: matmul: ")
			} else {
				require.ErrorContains(t, err, want)
			}
			named := func(s *mlx.Scope, args []mlx.Array, _ map[string]mlx.Array) []mlx.Array { return f(s, args) }
			require.Error(t, mlx.ExportNamed(th, path, named, args, nil))
			require.Error(t, mlx.WriteFunction(th, new(bytes.Buffer), f, args))
		}
		err := mlx.ExportFunction(th, path, identity, args, mlx.WithTrace(mlx.Array{}))
		require.ErrorContains(t, err, "mlx: export_function: trace 1: argument 0: the array is null (never made, or closed) (export_test.go:")
		err = mlx.ExportFunction(th, path, identity, args, mlx.WithTrace(x))
		require.ErrorContains(t, err, "trace 1: ", "the same shapes twice")
		require.ErrorIs(t, mlx.ExportFunction(th, path, func(s *mlx.Scope, _ []mlx.Array) []mlx.Array { s.Fail(mine); return nil }, args), mine)
		require.ErrorIs(t, mlx.ExportFunction(th, filepath.Join(dir, "none", "f"), identity, args), os.ErrNotExist)
		require.ErrorContains(t, mlx.ExportFunction(th, filepath.Join(dir, "a\x00b"), identity, args), "invalid argument")
		err = mlx.ExportNamed(th, path, nil, args, nil, mlx.WithTrace(x))
		require.ErrorContains(t, err, "holds one trace")
		err = mlx.ExportNamed(th, path, nil, args, map[string]mlx.Array{"y": {}})
		require.ErrorContains(t, err, `argument "y": the array is null`)
		require.ErrorIs(t, mlx.WriteFunction(th, &small{room: 5, err: mine}, identity, args), mine)
	})
	require.Equal(t, []string{"f.mlxfn"}, names(t, dir))
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(old))
}

func TestImportFails(t *testing.T) {
	raw, err := os.ReadFile("testdata/affine.mlxfn")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cut.mlxfn")
	leaktest.Do(t, func(th *mlx.Thread) {
		for n := 0; n < len(raw); n += 1 + len(raw)/400 {
			require.NoError(t, os.WriteFile(path, raw[:n], 0o600))
			_, err := mlx.ImportFunction(th, path)
			require.ErrorContains(t, err, "mlx: import_function: "+path+": ")
		}
		_, err := mlx.ImportFunction(th, filepath.Join(t.TempDir(), "none"))
		require.ErrorIs(t, err, os.ErrNotExist)

		f, err := mlx.ImportFunction(th, "testdata/affine.mlxfn")
		require.NoError(t, err)
		x := slice(t, th, []float32{1, 2, 3})
		defer x.Close()
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s, x, x) })
		require.ErrorContains(t, err, "mlx: imported_function: ")
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s, x, mlx.Array{}) })
		require.ErrorContains(t, err, "argument 1: the array is null")
		on(t, func(other *mlx.Thread) {
			_, err = other.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s) })
			require.ErrorContains(t, err, "was imported on another Worker")
		})
		require.NoError(t, f.Close())
		_, err = th.BuildAll(func(s *mlx.Scope) []mlx.Array { return f.Call(s, x, x) })
		require.ErrorContains(t, err, "the imported function is closed")
	})
	_, err = mlx.ImportFunction(nil, path)
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}
