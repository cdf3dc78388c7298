package bindings_test

import (
	"path/filepath"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// onFirstThread runs body in a process whose first thread to call MLX is the
// test's: an exported function names its streams by their numbers, and a thread
// has those that it made. Python's is the first.
func onFirstThread(t *testing.T, body func(k kit)) {
	t.Helper()
	out, err := inChild(t, nil, func() { body(begin(t)) })
	require.NoError(t, err, out)
}

func TestExportAndImport(t *testing.T) { onFirstThread(t, exportAndImport) }

func exportAndImport(k kit) {
	path := filepath.Join(k.TempDir(), "cube.mlxfn")
	calls := 0
	x := k.floats([]float32{1, -2})
	require.NoError(k, bindings.ExportFunction(path, k.cube(&calls), []array{x}, false))
	require.Equal(k, 1, calls)

	f, err := bindings.NewImportedFunction(path)
	require.NoError(k, err)
	defer f.Close()
	out := k.list(f.Apply([]array{k.floats([]float32{2, 3})}))
	require.Equal(k, []float32{35}, k.read(out[0]))
	require.Equal(k, 1, calls, "Go has no part in it")

	_, err = f.Apply([]array{k.floats([]float32{1, 2, 3})})
	k.fails(err, "imported_function_apply", "[import_function::call]", 1)
	_, err = f.Apply(nil)
	k.fails(err, "imported_function_apply", "[import_function::call]", 1)
}

func TestExportWithNames(t *testing.T) { onFirstThread(t, exportWithNames) }

func exportWithNames(k kit) {
	path := filepath.Join(k.TempDir(), "minus.mlxfn")
	minus, err := bindings.NewClosureKwargs(func(in []array, named map[string]array) ([]array, error) {
		return one(bindings.Subtract(in[0], named["y"], k.s))
	})
	require.NoError(k, err)
	defer minus.Close()
	x, y := []array{k.some()}, map[string]array{"y": k.some()}
	require.NoError(k, bindings.ExportFunctionKwargs(path, minus, x, y, true))
	f, err := bindings.NewImportedFunction(path)
	require.NoError(k, err)
	defer f.Close()
	out := k.list(f.ApplyKwargs([]array{k.floats([]float32{5, 6})}, map[string]array{"y": k.floats([]float32{1, 4})}))
	require.Equal(k, []float32{4, 2}, k.read(out[0]))
	_, err = f.ApplyKwargs(x, map[string]array{"z": k.some()})
	k.fails(err, "imported_function_apply_kwargs", "[import_function::call]", 1)
	k.fails(bindings.ExportFunctionKwargs(path, minus, x, map[string]array{"50\x00": k.some()}, true),
		"export_function_kwargs", "mlx-c cannot carry", 1)
}

// An exporter puts the traces of several calls into one file.
func TestExporterOfSeveralTraces(t *testing.T) {
	k := begin(t)
	path := filepath.Join(t.TempDir(), "cube.mlxfn")
	calls := 0
	e, err := bindings.NewFunctionExporter(path, k.cube(&calls), false)
	require.NoError(t, err)
	require.NoError(t, e.Apply([]array{k.floats([]float32{1})}))
	require.NoError(t, e.ApplyKwargs([]array{k.floats([]float32{1, 2})}, nil))
	require.NoError(t, e.Close())
	f, err := bindings.NewImportedFunction(path)
	require.NoError(t, err)
	defer f.Close()
	for _, data := range [][]float32{{3}, {3, 1}} {
		k.list(f.Apply([]array{k.floats(data)}))
	}
	_, err = f.Apply([]array{k.floats([]float32{1, 2, 3})})
	k.fails(err, "imported_function_apply", "[import_function::call]", 1)
}

func TestExportFailures(t *testing.T) {
	k := begin(t)
	dir := t.TempDir()
	_, err := bindings.NewImportedFunction(filepath.Join(dir, "none.mlxfn"))
	k.fails(err, "imported_function_new", "Failed to open", 1)
	_, err = bindings.NewImportedFunction("testdata/python.npy")
	k.fails(err, "imported_function_new", "", 1)
	_, err = bindings.NewFunctionExporter(filepath.Join(dir, "no", "x.mlxfn"), k.identity(), false)
	k.fails(err, "function_exporter_new", "Failed to open", 1)
	_, err = bindings.NewFunctionExporter(filepath.Join(dir, "a\x00b"), k.identity(), false)
	k.fails(err, "function_exporter_new", "mlx-c cannot carry", 1)

	bad := k.closure(bindings.NewClosure(func([]array) ([]array, error) { return nil, errBoom }))
	err = bindings.ExportFunction(filepath.Join(dir, "bad.mlxfn"), bad, []array{k.some()}, false)
	require.ErrorIs(t, err, errBoom)
	k.fails(err, "export_function", "non-zero", 1)
	e, err := bindings.NewFunctionExporter(filepath.Join(dir, "bad.mlxfn"), bad, false)
	require.NoError(t, err)
	defer e.Close()
	require.ErrorIs(t, e.Apply([]array{k.some()}), errBoom)

	var null bindings.FunctionExporter
	k.fails(null.Apply(nil), "function_exporter_apply", "non-empty mlx_function_exporter", 1)
	k.fails(null.ApplyKwargs(nil, nil), "function_exporter_apply_kwargs", "non-empty mlx_function_exporter", 1)
	_, err = bindings.ImportedFunction{}.Apply(nil)
	k.fails(err, "imported_function_apply", "non-empty mlx_imported_function", 1)
}
