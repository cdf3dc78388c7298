package runtime_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// safetensorsFile writes a file by the format's description: the header's size
// in 8 bytes, the header, the data.
func safetensorsFile(t *testing.T, header string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.safetensors")
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	require.NoError(t, os.WriteFile(path, append(file, data...), 0o600))
	return path
}

const header = `{"__metadata__":{"format":"pt"},` +
	`"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},` +
	`"b.weight":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}}`

var content = []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0x80, 0x3f, 0, 0x40, 0x40, 0x40}

func TestLoadSafetensors(t *testing.T) {
	path := safetensorsFile(t, header, content)
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, metadata, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"format": "pt"}, metadata)
		require.Len(t, arrays, 2)
		require.Equal(t, []float32{1, -2}, read[float32](t, th, arrays["a"]))
		require.Equal(t, []float32{1, 2, 3}, read[float32](t, th, arrays["b.weight"]))
	})
}

func TestLoadSafetensorsOfBadFiles(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	tests := map[string]string{
		"missing":             filepath.Join(t.TempDir(), "missing.safetensors"),
		"empty":               empty,
		"no JSON":             safetensorsFile(t, `{"a":`, nil),
		"percent in the path": "/tmp/%n%n.safetensors",
		"NUL in the path":     "a\x00b",
	}
	for name, path := range tests {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				arrays, metadata, err := mlx.LoadSafetensors(th, path)
				require.ErrorContains(t, err, "mlx: load_safetensors: ")
				require.ErrorContains(t, err, "(safetensors_test.go:")
				require.Empty(t, arrays)
				require.Empty(t, metadata)
			})
		})
	}
}

// everyDtype makes the arrays of testdata/io.py, each as a view that is not
// contiguous.
func everyDtype(t *testing.T, th *mlx.Thread) map[string]mlx.Array {
	t.Helper()
	return map[string]mlx.Array{
		"bool": turned[bool](t, th), "uint8": turned[uint8](t, th), "uint16": turned[uint16](t, th),
		"uint32": turned[uint32](t, th), "uint64": turned[uint64](t, th), "int8": turned[int8](t, th),
		"int16": turned[int16](t, th), "int32": turned[int32](t, th), "int64": turned[int64](t, th),
		"float16": turned[mlx.F16](t, th), "float32": turned[float32](t, th), "float64": turned[float64](t, th),
	}
}

// turned makes the ramp of shape (2, 3) as the transpose of what is in memory.
func turned[T mlx.Element](t *testing.T, th *mlx.Thread) mlx.Array {
	t.Helper()
	r := ramp[T](6)
	x := slice(t, th, []T{r[0], r[3], r[1], r[4], r[2], r[5]}, 3, 2)
	defer x.Close()
	return build(t, th, func(s *mlx.Scope) mlx.Array { return s.Transpose(x) })
}

func closeAll(t *testing.T, arrays map[string]mlx.Array) {
	t.Helper()
	for _, a := range arrays {
		require.NoError(t, a.Close())
	}
}

// TestSafetensorsAreThoseOfTheReference: the same bytes as Hugging Face's writer.
func TestSafetensorsAreThoseOfTheReference(t *testing.T) {
	want, err := os.ReadFile("testdata/reference.safetensors")
	require.NoError(t, err)
	metadata := map[string]string{"format": "mlx"}
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := everyDtype(t, th)
		defer closeAll(t, arrays)
		var out bytes.Buffer
		require.NoError(t, mlx.WriteSafetensors(th, &out, arrays, metadata))
		require.Equal(t, string(want), out.String())
		path := filepath.Join(t.TempDir(), "100% mine")
		require.NoError(t, mlx.SaveSafetensors(th, path, arrays, metadata))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

// TestSafetensorsOfMLX reads what mx.save_safetensors wrote, by path and as a
// stream, and writes it on.
func TestSafetensorsOfMLX(t *testing.T) {
	raw, err := os.ReadFile("testdata/mlx.safetensors")
	require.NoError(t, err)
	leaktest.Do(t, func(th *mlx.Thread) {
		lazy, metadata, err := mlx.LoadSafetensors(th, "testdata/mlx.safetensors")
		require.NoError(t, err)
		requireRamps(t, th, lazy, metadata)
		r := bytes.NewReader(append(raw, "rest"...))
		streamed, metadata, err := mlx.ReadSafetensors(th, iotest.HalfReader(r))
		require.NoError(t, err)
		require.Equal(t, len("rest"), r.Len(), "all of it and no more")
		var out bytes.Buffer
		require.NoError(t, mlx.WriteSafetensors(th, &out, streamed, metadata))
		requireRamps(t, th, streamed, metadata)
		again, metadata, err := mlx.ReadSafetensors(th, &out)
		require.NoError(t, err)
		requireRamps(t, th, again, metadata)
	})
}

// requireRamps checks the arrays of mlx.safetensors and closes them.
func requireRamps(t *testing.T, th *mlx.Thread, arrays map[string]mlx.Array, metadata map[string]string) {
	t.Helper()
	require.Equal(t, map[string]string{"format": "mlx", "note": "é %n"}, metadata)
	require.Len(t, arrays, 15)
	require.Equal(t, ramp[bool](6), read[bool](t, th, arrays["bool"]))
	require.Equal(t, ramp[uint8](6), read[uint8](t, th, arrays["uint8"]))
	require.Equal(t, ramp[uint16](6), read[uint16](t, th, arrays["uint16"]))
	require.Equal(t, ramp[uint32](6), read[uint32](t, th, arrays["uint32"]))
	require.Equal(t, ramp[uint64](6), read[uint64](t, th, arrays["uint64"]))
	require.Equal(t, ramp[int8](6), read[int8](t, th, arrays["int8"]))
	require.Equal(t, ramp[int16](6), read[int16](t, th, arrays["int16"]))
	require.Equal(t, ramp[int32](6), read[int32](t, th, arrays["int32"]))
	require.Equal(t, ramp[int64](6), read[int64](t, th, arrays["int64"]))
	require.Equal(t, ramp[mlx.F16](6), read[mlx.F16](t, th, arrays["float16"]))
	require.Equal(t, ramp[mlx.BF16](6), read[mlx.BF16](t, th, arrays["bfloat16"]))
	require.Equal(t, ramp[float32](6), read[float32](t, th, arrays["float32"]))
	require.Equal(t, ramp[complex64](6), read[complex64](t, th, arrays["complex64"]))
	require.Empty(t, read[float32](t, th, arrays["nothing"]))
	require.Equal(t, []int32{7}, read[int32](t, th, arrays["scalar"]))
}

// TestSafetensorsAreReadWhenEvaluated counts the memory of 2 x 4 MB.
func TestSafetensorsAreReadWhenEvaluated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := map[string]mlx.Array{"a": slice(t, th, ramp[float32](1<<20)), "b": slice(t, th, ramp[int32](1<<20))}
		require.NoError(t, mlx.SaveSafetensors(th, path, arrays, nil))
		closeAll(t, arrays)
		active := func() int64 {
			n, err := th.ActiveMemory()
			require.NoError(t, err)
			return int64(n)
		}
		before := active()
		loaded, metadata, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		require.Empty(t, metadata)
		require.InDelta(t, before, active(), 1<<16, "nothing is read")
		require.NoError(t, th.Eval(loaded["a"]))
		require.InDelta(t, before+4<<20, active(), 1<<16, "a is")

		// The arrays may be saved over the file that b is still to be read from.
		require.NoError(t, mlx.SaveSafetensors(th, path, loaded, nil))
		require.Equal(t, ramp[int32](1<<20), read[int32](t, th, loaded["b"]))
		require.NoError(t, func() error { a := loaded["a"]; return a.Close() }())
		again, _, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		require.Equal(t, ramp[int32](1<<20), read[int32](t, th, again["b"]))
		require.Equal(t, ramp[float32](1<<20), read[float32](t, th, again["a"]))
	})
}

// TestSafetensorsCutAnywhere: a file that ends too early is an error in either
// way, and nothing leaks.
func TestSafetensorsCutAnywhere(t *testing.T) {
	raw, err := os.ReadFile(safetensorsFile(t, header, content))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cut.safetensors")
	leaktest.Do(t, func(th *mlx.Thread) {
		for n := range len(raw) {
			require.NoError(t, os.WriteFile(path, raw[:n], 0o600))
			_, _, err := mlx.LoadSafetensors(th, path)
			require.ErrorContains(t, err, path)
			_, _, err = mlx.ReadSafetensors(th, bytes.NewReader(raw[:n]))
			require.ErrorContains(t, err, "stream: ")
		}
	})
}

func TestSafetensorsOfOtherDtypes(t *testing.T) {
	for want, header := range map[string]string{
		`tensor "a": 1 bytes at offset 0`:                        `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`,
		`tensor "b": 1 bytes at offset 0`:                        `{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}`,
		`tensor "a" is F8_E5M2, which MLX has no dtype for`:      `{"a":{"dtype":"F8_E5M2","shape":[0],"data_offsets":[0,0]}}`,
		`tensor "a": unknown dtype "%n%n"`:                       `{"a":{"dtype":"%n%n","shape":[0],"data_offsets":[0,0]}}`,
		`header: tensor "a": data_offsets hold 4 bytes, shape [`: `{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}`,
	} {
		path := safetensorsFile(t, header, nil)
		leaktest.Do(t, func(th *mlx.Thread) {
			_, _, err := mlx.LoadSafetensors(th, path)
			require.ErrorContains(t, err, want)
		})
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		_, _, err := mlx.LoadSafetensors(th, safetensorsFile(t, `{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}`, []byte{1, 2, 3}))
		require.ErrorContains(t, err, `tensors "a" and "b" overlap at offset 1 of the data (safetensors_test.go:`)
		path := safetensorsFile(t, `{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[8,10]}}`,
			append(encode(t, 0.1), 1, 2))
		arrays, _, err := mlx.LoadSafetensors(th, path)
		require.NoError(t, err)
		require.Equal(t, []float64{0.1}, read[float64](t, th, arrays["a"]))
		require.Equal(t, []uint8{1, 2}, read[uint8](t, th, arrays["b"]))
		_, _, err = mlx.ReadSafetensors(th, bytes.NewReader(append(binary.LittleEndian.AppendUint64(nil, 56),
			`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`+" \x02"...)))
		require.ErrorContains(t, err, `stream: tensor "a": element 0 is 2, no bool`)
	})
}

// TestSaveSafetensorsFails without a trace.
func TestSaveSafetensorsFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.safetensors")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	full := errors.New("no space left on device")
	leaktest.Do(t, func(th *mlx.Thread) {
		bad := build(t, th, func(s *mlx.Scope) mlx.Array { return s.Inv(s.Zeros([]int{2, 2}, mlx.Float32)) })
		defer bad.Close()
		good := slice(t, th, ramp[float32](1<<16))
		defer good.Close()
		err := mlx.SaveSafetensors(th, path, map[string]mlx.Array{"bad": bad, "a": good}, nil)
		require.ErrorContains(t, err, `mlx: save_safetensors: tensor "bad": `)
		err = mlx.SaveSafetensors(th, path, map[string]mlx.Array{"null": {}}, nil)
		require.ErrorContains(t, err, `tensor "null": the array is null`)
		err = mlx.SaveSafetensors(th, path, map[string]mlx.Array{"__metadata__": good}, nil)
		require.ErrorContains(t, err, "does not allow this name")
		err = mlx.SaveSafetensors(th, filepath.Join(dir, "none", "w"), map[string]mlx.Array{"a": good}, nil)
		require.ErrorIs(t, err, os.ErrNotExist)
		for room := range 30 {
			err = mlx.WriteSafetensors(th, &small{room: room * 10_000, err: full}, map[string]mlx.Array{"a": good}, nil)
			if room*10_000 < 1<<18 {
				require.ErrorIs(t, err, full)
			}
		}
	})
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(old))
}

// small is a writer that is full after some bytes.
type small struct {
	room int
	err  error
}

func (s *small) Write(p []byte) (int, error) {
	if len(p) > s.room {
		return s.room, s.err
	}
	s.room -= len(p)
	return len(p), nil
}
