package bindings_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// What testdata/io.py puts into each file under the key a.
var pythonA = []float32{1.5, -2, 3.25, 0, 1e-3, -7}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func (k kit) isPythonA(a array) {
	k.Helper()
	require.Equal(k, []int32{2, 3}, k.shape(a))
	require.Equal(k, pythonA, k.read(a))
}

func TestNpy(t *testing.T) {
	k := begin(t)
	k.isPythonA(k.array(bindings.Load("testdata/python.npy", k.s)))

	path := filepath.Join(t.TempDir(), "größer.npy")
	require.NoError(t, bindings.Save(path, k.floats(pythonA, 2, 3)))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, testdata(t, "python.npy"), written)

	k.fails(bindings.Save(filepath.Join(t.TempDir(), "no", "x.npy"), k.some()), "save", "[save] Failed to open", 1)
	k.fails(bindings.Save(path, array{}), "save", "non-empty mlx_array", 1)
	_, err = bindings.Load("testdata/io.py", k.s)
	k.fails(err, "load", "[load] Invalid header in file testdata/io.py", 1)
}

// isPythonSafetensors requires what testdata/io.py wrote; the arrays are closed
// when the test ends.
func (k kit) isPythonSafetensors(arrays map[string]array, metadata map[string]string, err error) {
	k.Helper()
	k.list(slices.Collect(maps.Values(arrays)), err)
	require.Len(k, arrays, 2)
	k.isPythonA(arrays["a"])
	require.NoError(k, arrays["b"].Eval())
	b, err := arrays["b"].DataInt16()
	require.NoError(k, err)
	require.Equal(k, []int16{1, -2, 3}, b)
	require.Equal(k, map[string]string{"format": "mlx", "note": "50% größer"}, metadata)
}

func TestSafetensors(t *testing.T) {
	k := begin(t)
	k.isPythonSafetensors(bindings.LoadSafetensors("testdata/python.safetensors", k.s))

	path := filepath.Join(t.TempDir(), "x.safetensors")
	a, b := k.floats(pythonA, 2, 3), newArray(k, []int16{1, -2, 3}, bindings.Int16, nil)
	require.NoError(t, bindings.SaveSafetensors(path, map[string]array{"a": a}, map[string]string{"format": "mlx"}))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, testdata(t, "one.safetensors"), written)

	metadata := map[string]string{"format": "mlx", "note": "50% größer"}
	require.NoError(t, bindings.SaveSafetensors(path, map[string]array{"a": a, "b": b}, metadata))
	k.isPythonSafetensors(bindings.LoadSafetensors(path, k.s))
}

func TestSafetensorsFailures(t *testing.T) {
	k := begin(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safetensors")
	k.fails(bindings.SaveSafetensors(path, map[string]array{"a": k.some(), "b": {}}, nil),
		"save_safetensors", "non-empty mlx_array", 1)
	require.NoFileExists(t, path, "no file with only some of the arrays")

	for name, tt := range map[string]struct{ text, says string }{
		"missing":   {"", "[load_safetensors] Failed to open file"},
		"short":     {"\x08", "Unable to read 7 bytes from file"},
		"too large": {"\xff\xff\xff\xff\xff\xff\xff\xff", "Invalid json header length"},
		"cut":       {"\x40\x00\x00\x00\x00\x00\x00\x00{}", "Perhaps an incomplete download or corrupt file?"},
		"no JSON":   {"\x02\x00\x00\x00\x00\x00\x00\x00]]", "parse error"},
		"no object": {"\x02\x00\x00\x00\x00\x00\x00\x00[]", "Invalid json metadata"},
	} {
		file := filepath.Join(dir, name)
		if name != "missing" {
			require.NoError(t, os.WriteFile(file, []byte(tt.text), 0o600))
		}
		arrays, metadata, err := bindings.LoadSafetensors(file, k.s)
		k.fails(err, "load_safetensors", tt.says, 1)
		require.Empty(t, arrays)
		require.Empty(t, metadata)
	}
}

// mlx-c prints the messages of exceptions as formats, and these quote the file.
func TestFilesThatReadAsFormats(t *testing.T) {
	out, err := inChild(t, nil, func() {
		k := begin(t)
		header := `{"a":{"dtype":"%n%s%n%s%n%s%n%s","shape":[1],"data_offsets":[0,4]}}`
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		file = append(append(file, header...), 0, 0, 0, 0)
		r, err := bindings.NewIOReader(bytes.NewReader(file), "hostile")
		require.NoError(t, err)
		defer r.Close()
		_, _, err = bindings.LoadSafetensorsReader(r, k.s)
		k.fails(err, "load_safetensors_reader", "unsupported dtype", 1)
	})
	require.NoError(t, err, out)
}

func TestReaders(t *testing.T) {
	k := begin(t)
	r, err := bindings.NewIOReader(bytes.NewReader(testdata(t, "python.npy")), "the test's bytes")
	require.NoError(t, err)
	text, err := r.ToString()
	require.NoError(t, err)
	require.Contains(t, text, "the test's bytes")
	a := k.array(bindings.LoadReader(r, k.s))
	require.NoError(t, r.Close()) // MLX holds the source until the array is evaluated
	k.isPythonA(a)

	file, err := os.Open("testdata/python.safetensors")
	require.NoError(t, err)
	defer file.Close()
	r, err = bindings.NewIOReader(file, "file")
	require.NoError(t, err)
	defer r.Close()
	src, err := r.Descriptor()
	require.NoError(t, err)
	require.Same(t, file, src)
	k.isPythonSafetensors(bindings.LoadSafetensorsReader(r, k.s))
}

func TestWriters(t *testing.T) {
	k := begin(t)
	var out bytes.Buffer
	w, err := bindings.NewIOWriter(&out, "buffer")
	require.NoError(t, err)
	defer w.Close()
	dst, err := w.Descriptor()
	require.NoError(t, err)
	require.Same(t, &out, dst)
	text, err := w.ToString()
	require.NoError(t, err)
	require.Contains(t, text, "buffer")
	a := k.floats(pythonA, 2, 3)
	require.NoError(t, bindings.SaveWriter(w, a))
	require.Equal(t, testdata(t, "python.npy"), out.Bytes())
	out.Reset()
	require.NoError(t, bindings.SaveSafetensorsWriter(w, map[string]array{"a": a}, map[string]string{"format": "mlx"}))
	require.Equal(t, testdata(t, "one.safetensors"), out.Bytes())
}

func TestNullReadersAndWriters(t *testing.T) {
	k := begin(t)
	var r bindings.IOReader
	var w bindings.IOWriter
	for op, err := range map[string]error{
		"load_reader":             second(bindings.LoadReader(r, k.s)),
		"io_reader_descriptor":    second(r.Descriptor()),
		"io_reader_tostring":      second(r.ToString()),
		"save_writer":             bindings.SaveWriter(w, k.some()),
		"save_safetensors_writer": bindings.SaveSafetensorsWriter(w, nil, nil),
		"io_writer_descriptor":    second(w.Descriptor()),
		"io_writer_tostring":      second(w.ToString()),
	} {
		k.fails(err, op, "expected a non-empty mlx_io_", 1)
	}
	_, _, err := bindings.LoadSafetensorsReader(r, k.s)
	k.fails(err, "load_safetensors_reader", "expected a non-empty mlx_io_reader", 1)
	_, err = bindings.NewIOReader(nil, "50\x00")
	k.fails(err, "io_reader_new", "mlx-c cannot carry", 1)
	_, err = bindings.NewIOWriter(nil, "a\x00b")
	k.fails(err, "io_writer_new", "mlx-c cannot carry", 1)
}

// trouble fails or panics where its fields say.
type trouble struct {
	*bytes.Reader
	read, seek, readAt, write func() error
}

func (s trouble) Read(p []byte) (int, error) {
	if s.read != nil {
		return 0, s.read()
	}
	return s.Reader.Read(p)
}

func (s trouble) Seek(off int64, whence int) (int64, error) {
	if s.seek != nil {
		return 0, s.seek()
	}
	return s.Reader.Seek(off, whence)
}

func (s trouble) ReadAt(p []byte, off int64) (int, error) {
	if s.readAt != nil {
		return 0, s.readAt()
	}
	return s.Reader.ReadAt(p, off)
}

func (s trouble) Write(p []byte) (int, error) {
	if s.write != nil {
		return 0, s.write()
	}
	return len(p), nil
}

var troubles = map[string]func() error{
	"error": func() error { return errBoom },
	"panic": func() error { panic(errBoom) },
}

// The error of the Go reader comes back from the call that read.
func TestReadersThatFail(t *testing.T) {
	data := testdata(t, "python.safetensors")
	for name, f := range troubles {
		for where, src := range map[string]trouble{"read": {read: f}, "seek": {seek: f}} {
			t.Run(name+" in "+where, func(t *testing.T) {
				k := begin(t)
				src.Reader = bytes.NewReader(data)
				r, err := bindings.NewIOReader(src, "weights")
				require.NoError(t, err)
				defer r.Close()
				_, _, err = bindings.LoadSafetensorsReader(r, k.s)
				k.fails(err, "load_safetensors_reader", "[mlx_io_reader] unable to "+where, 1)
				require.ErrorIs(t, err, errBoom)
				require.ErrorContains(t, err, "bindings: load_safetensors_reader: weights: ")
				_, _, err = bindings.LoadSafetensorsReader(r, k.s)
				k.fails(err, "load_safetensors_reader", "Failed to open", 1) // it is no longer good
				require.NotErrorIs(t, err, errBoom)
			})
		}
	}
}

func TestWritersThatFail(t *testing.T) {
	for name, f := range troubles {
		t.Run(name, func(t *testing.T) {
			k := begin(t)
			w, err := bindings.NewIOWriter(trouble{write: f}, "weights")
			require.NoError(t, err)
			defer w.Close()
			err = bindings.SaveWriter(w, k.some())
			k.fails(err, "save_writer", "[mlx_io_writer] unable to write", 1)
			require.ErrorIs(t, err, errBoom)
		})
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestShortReadsAndWrites(t *testing.T) {
	k := begin(t)
	w, err := bindings.NewIOWriter(shortWriter{}, "pipe")
	require.NoError(t, err)
	defer w.Close()
	require.ErrorIs(t, bindings.SaveWriter(w, k.some()), io.ErrShortWrite)

	r, err := bindings.NewIOReader(bytes.NewReader(testdata(t, "python.npy")[:20]), "cut")
	require.NoError(t, err)
	defer r.Close()
	_, err = bindings.LoadReader(r, k.s)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	k.fails(err, "load_reader", "unable to read", 1)
}

// The elements are read when they are evaluated, on a thread of MLX's own.
func TestReadersThatFailLater(t *testing.T) {
	for name, f := range troubles {
		t.Run(name, func(t *testing.T) {
			k := begin(t)
			src := trouble{Reader: bytes.NewReader(testdata(t, "python.npy")), readAt: f}
			r, err := bindings.NewIOReader(src, "weights")
			require.NoError(t, err)
			a := k.array(bindings.LoadReader(r, k.s))
			require.NoError(t, r.Close())
			k.fails(a.Eval(), "array_eval", "unable to read 24 bytes (read 0 instead) in weights", 1)
		})
	}
}
