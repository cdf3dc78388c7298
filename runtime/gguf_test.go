package runtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/bindings"
	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const ggufFiles = "../models/gguf/testdata/"

// raw is what testdata/io.py says of an array.
type raw struct {
	Dtype  string
	Shape  []int32
	SHA256 string
}

// describe reads an array as raw does.
func describe(t *testing.T, th *mlx.Thread, a mlx.Array) raw {
	t.Helper()
	dtype, err := a.Dtype()
	require.NoError(t, err)
	shape, err := a.Shape()
	require.NoError(t, err)
	out := raw{dtype.String(), shape, ""}
	bits := map[mlx.Dtype]func() []byte{
		mlx.Float32: func() []byte { return memory[float32](t, th, a) }, mlx.Float16: func() []byte { return memory[mlx.F16](t, th, a) },
		mlx.Uint32: func() []byte { return memory[uint32](t, th, a) },
	}[dtype]
	require.NotNil(t, bits, dtype)
	out.SHA256 = hash(bits())
	return out
}

func memory[T mlx.Element](t *testing.T, th *mlx.Thread, a mlx.Array) []byte {
	t.Helper()
	v, err := mlx.Values[T](th, a)
	require.NoError(t, err)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
}

// TestLoadGGUFAsMLX compares with mx.load, bit for bit.
func TestLoadGGUFAsMLX(t *testing.T) {
	text, err := os.ReadFile("testdata/gguf.json")
	require.NoError(t, err)
	var want map[string]map[string]raw
	require.NoError(t, json.Unmarshal(text, &want))
	require.Len(t, want, 5)
	for name, tensors := range want {
		leaktest.Do(t, func(th *mlx.Thread) {
			arrays, metadata, err := mlx.LoadGGUF(th, ggufFiles+name)
			require.NoError(t, err)
			require.NotEmpty(t, metadata)
			require.Len(t, arrays, len(tensors), name)
			for k, a := range arrays {
				require.Equal(t, tensors[k], describe(t, th, a), "%s: %s", name, k)
			}
			closeAll(t, arrays)
		})
	}
}

// TestLoadGGUFBeyondMLX reads types that mx.load refuses.
func TestLoadGGUFBeyondMLX(t *testing.T) {
	for _, name := range []string{"bf16.gguf", "q5_0.gguf", "q5_1.gguf"} {
		leaktest.Do(t, func(th *mlx.Thread) {
			arrays, _, err := mlx.LoadGGUF(th, ggufFiles+name)
			require.NoError(t, err)
			require.NotEmpty(t, arrays)
			closeAll(t, arrays)
		})
	}
}

// reference makes the arrays and the metadata of reference.gguf.
func reference(t *testing.T, th *mlx.Thread) (map[string]mlx.Array, map[string]any) {
	t.Helper()
	arrays := everyDtype(t, th)
	for _, d := range []string{"bool", "uint8", "uint16", "uint32", "uint64"} {
		a := arrays[d]
		require.NoError(t, a.Close())
		delete(arrays, d)
	}
	return arrays, map[string]any{
		"general.architecture": "llama", "general.alignment": uint32(64), "tokenizer.ggml.tokens": []string{"a", "größer", ""},
		"x.float64": 0.1, "x.yes": true,
	}
}

// TestGGUFIsThatOfTheReference: the same bytes as the Python package gguf writes.
func TestGGUFIsThatOfTheReference(t *testing.T) {
	want, err := os.ReadFile("testdata/reference.gguf")
	require.NoError(t, err)
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, metadata := reference(t, th)
		defer closeAll(t, arrays)
		path := filepath.Join(t.TempDir(), "100%.gguf")
		require.NoError(t, mlx.SaveGGUF(th, path, arrays, metadata))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))

		again, meta, err := mlx.ReadGGUF(th, bytes.NewReader(got))
		require.NoError(t, err)
		require.Equal(t, metadata, meta)
		var out bytes.Buffer
		require.NoError(t, mlx.WriteGGUF(th, &out, again, meta))
		require.Equal(t, string(want), out.String())
		closeAll(t, again)
	})
}

// TestMLXReadsOurGGUF with the reader of its own.
func TestMLXReadsOurGGUF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.gguf")
	leaktest.Do(t, func(th *mlx.Thread) {
		x := slice(t, th, []float32{1, -2, float32(math.Inf(1)), 4, 5, 6}, 2, 3)
		y := slice(t, th, ramp[mlx.F16](24), 2, 3, 4)
		defer x.Close()
		defer y.Close()
		require.NoError(t, mlx.SaveGGUF(th, path, map[string]mlx.Array{"x": x, "y": y}, map[string]any{"a.b": "c", "a.n": uint32(7)}))
		cpu, err := bindings.NewDefaultCPUStream()
		require.NoError(t, err)
		defer cpu.Close()
		g, err := bindings.LoadGGUF(path, cpu)
		require.NoError(t, err)
		defer g.Close()
		got, err := g.GetArray("x")
		require.NoError(t, err)
		require.Equal(t, []float32{1, -2, float32(math.Inf(1)), 4, 5, 6}, read[float32](t, th, got))
		got, err = g.GetArray("y")
		require.NoError(t, err)
		shape, err := got.Shape()
		require.NoError(t, err)
		require.Equal(t, []int32{2, 3, 4}, shape)
		require.Equal(t, ramp[mlx.F16](24), read[mlx.F16](t, th, got))
		text, err := g.GetMetadataString("a.b")
		require.NoError(t, err)
		require.Equal(t, "c", text)
	})
}

func TestEveryKindOfGGUFMetadata(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays, want, err := mlx.LoadGGUF(th, ggufFiles+"metadata.gguf")
		require.NoError(t, err)
		closeAll(t, arrays)
		require.Greater(t, len(want), 20)
		var out bytes.Buffer
		require.NoError(t, mlx.WriteGGUF(th, &out, nil, want))
		_, got, err := mlx.ReadGGUF(th, &out)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestSaveGGUFRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.gguf")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	leaktest.Do(t, func(th *mlx.Thread) {
		x, empty := slice(t, th, []uint32{1}), slice(t, th, []float32{})
		defer x.Close()
		defer empty.Close()
		for want, save := range map[string]func() error{
			`tensor "x" is uint32, which GGUF has no type for`: func() error { return mlx.SaveGGUF(th, path, map[string]mlx.Array{"x": x}, nil) },
			`tensor "e": dimension 0 is 0`:                     func() error { return mlx.SaveGGUF(th, path, map[string]mlx.Array{"e": empty}, nil) },
			`tensor "n": the array is null`:                    func() error { return mlx.SaveGGUF(th, path, map[string]mlx.Array{"n": {}}, nil) },
			`metadata "a": gguf: no kind of metadata holds a int`: func() error {
				return mlx.SaveGGUF(th, path, nil, map[string]any{"a": 1})
			},
		} {
			err := save()
			require.ErrorContains(t, err, "mlx: save_gguf: ")
			require.ErrorContains(t, err, want)
		}
		full := errors.New("full")
		require.ErrorIs(t, mlx.WriteGGUF(th, &small{room: 10, err: full}, nil, map[string]any{"a": "b"}), full)
	})
	require.Equal(t, []string{"w.gguf"}, names(t, dir))
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(old))
}

// TestGGUFCutAnywhere: every shorter file is an error, and nothing leaks.
func TestGGUFCutAnywhere(t *testing.T) {
	whole, err := os.ReadFile(ggufFiles + "tiny.gguf")
	require.NoError(t, err)
	whole = bytes.TrimRight(whole, "\x00") // the padding after the last tensor is not missed
	path := filepath.Join(t.TempDir(), "cut.gguf")
	leaktest.Do(t, func(th *mlx.Thread) {
		step := max(1, len(whole)/300)
		for n := 0; n < len(whole)-64; n += step {
			require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
			_, _, err := mlx.LoadGGUF(th, path)
			require.ErrorContains(t, err, "mlx: load_gguf: gguf: "+path, n)
		}
	})
}

// TestLoadGGUFNamesWhatItRefuses: a type without a known form, and parts that
// collide with other tensors.
func TestLoadGGUFNamesWhatItRefuses(t *testing.T) {
	write := func(tensors ...gguf.TensorInfo) string {
		l, err := gguf.NewLayout(nil, tensors)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, l.Write(&out, func(w io.Writer, info gguf.TensorInfo) error {
			_, err := w.Write(make([]byte, info.Size))
			return err
		}))
		path := filepath.Join(t.TempDir(), "w.gguf")
		require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
		return path
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		ok := gguf.TensorInfo{Name: "ok", Shape: []int{2}}
		_, _, err := mlx.LoadGGUF(th, write(ok, gguf.TensorInfo{Name: "iq", Type: gguf.TypeIQ1M, Shape: []int{256}}))
		require.ErrorContains(t, err, `tensor "iq"`)
		require.ErrorContains(t, err, "IQ1_M, which is not supported")
		_, _, err = mlx.LoadGGUF(th, write(ok, gguf.TensorInfo{Name: "q.scales", Shape: []int{2}}, gguf.TensorInfo{Name: "q.weight", Type: gguf.TypeQ8_0, Shape: []int{1, 32}}))
		require.ErrorContains(t, err, `tensor "q.weight": its part "q.scales" is a tensor of the file too`)
		_, _, err = mlx.ReadGGUF(th, strings.NewReader("GGML"))
		require.ErrorContains(t, err, "not a GGUF file")
	})
}
