package quant_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/gguf/quant"
)

// smolLM2 opens SmolLM2-135M-Instruct.Q4_1.gguf.
func smolLM2(t testing.TB) *gguf.File {
	t.Helper()
	f, err := gguf.Open(testmodels.RequireSmolLM2(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func digest(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, binary.Write(&buf, binary.LittleEndian, v))
	return fmt.Sprintf("%x", sha256.Sum256(buf.Bytes()))[:16]
}

// Every tensor of a real model: the digests are of MLX's packing and of the values of the Python package gguf.
func TestSmolLM2EqualsMLX(t *testing.T) {
	f := smolLM2(t)
	raw, err := os.ReadFile("../testdata/smollm2.json")
	require.NoError(t, err)
	var want struct {
		Tensors map[string]struct{ Float32, Weight, Scales, Biases string }
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	var a quant.Affine
	packed := 0
	for _, info := range f.Tensors {
		w, data := want.Tensors[info.Name], bytesOf(t, f, info)
		values := make([]float32, info.Elements())
		require.NoError(t, quant.Dequantize(info, data, values))
		require.Equal(t, w.Float32, digest(t, values), info.Name)
		if w.Weight == "" {
			continue
		}
		packed++
		require.NoError(t, quant.Repack(info, data, &a))
		require.Equal(t, w.Weight, digest(t, a.Weight), info.Name)
		require.Equal(t, w.Scales, digest(t, a.Scales), info.Name)
		require.Equal(t, w.Biases, digest(t, a.Biases), info.Name)
	}
	require.Equal(t, 211, packed)
}

// The benchmarks write each tensor to memory of its own, as a loader does.

func BenchmarkDequantizeSmolLM2(b *testing.B) {
	f := smolLM2(b)
	for b.Loop() {
		elements := 0
		for _, info := range f.Tensors {
			dst := make([]float32, info.Elements())
			require.NoError(b, quant.Dequantize(info, bytesOf(b, f, info), dst))
			elements += len(dst)
		}
		b.SetBytes(int64(elements) * 4)
	}
}

func BenchmarkRepackSmolLM2(b *testing.B) {
	f := smolLM2(b)
	for b.Loop() {
		var total int64
		for _, info := range f.Tensors {
			if _, ok := quant.FormOf(info.Type); !ok {
				continue
			}
			require.NoError(b, quant.Repack(info, bytesOf(b, f, info), new(quant.Affine)))
			total += info.Size
		}
		b.SetBytes(total)
	}
}

// BenchmarkDequantize measures the types in memory that is there already, on one goroutine.
func BenchmarkDequantize(b *testing.B) {
	for _, typ := range []gguf.Type{gguf.TypeF16, gguf.TypeBF16, gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0,
		gguf.TypeQ2K, gguf.TypeQ3K, gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4NL, gguf.TypeIQ4XS, gguf.TypeMXFP4} {
		b.Run(typ.String(), func(b *testing.B) {
			info, data := random(typ, 1024, 1024)
			dst := make([]float32, info.Elements())
			b.SetBytes(int64(len(dst)) * 4)
			for b.Loop() {
				require.NoError(b, quant.Dequantize(info, data, dst, quant.WithWorkers(1)))
			}
		})
	}
}

// BenchmarkRepack is the same for the packed form.
func BenchmarkRepack(b *testing.B) {
	for _, typ := range []gguf.Type{gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1, gguf.TypeQ8_0,
		gguf.TypeQ2K, gguf.TypeQ3K, gguf.TypeQ4K, gguf.TypeQ5K, gguf.TypeQ6K, gguf.TypeIQ4NL, gguf.TypeIQ4XS} {
		b.Run(typ.String(), func(b *testing.B) {
			info, data := random(typ, 1024, 1024)
			var dst quant.Affine
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				require.NoError(b, quant.Repack(info, data, &dst, quant.WithWorkers(1)))
			}
		})
	}
}
