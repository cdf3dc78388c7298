package models

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// packerCase is a tiny llama as another packer than MLX stores it
// (testdata/formats.py).
type packerCase struct {
	parityCase
	Stored map[string]storedShape
}

// storedShape describes a tensor whose bytes come from its name. The groups of
// g_idx are given, or by how many inputs they are in order.
type storedShape struct {
	dtype  safetensors.DType
	shape  []int
	groups json.RawMessage
	random bool // bytes of U8, which are 0 without
}

func (s *storedShape) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&s.dtype, &s.shape, &s.groups})
}

// bytes are those of testdata/formats.py's stored.
func (s storedShape) bytes(name string) (out []byte) {
	n := 1
	for _, d := range s.shape {
		n *= d
	}
	word := func(v uint32) { out = binary.LittleEndian.AppendUint32(out, v) }
	group := s.group()
	for i := range n {
		scale := 1 + reftest.BitsOf(name, i)%127 // / 2^14
		switch {
		case s.groups != nil:
			word(group(i))
		case s.dtype == safetensors.I32:
			word(uint32(reftest.BitsOf(name, 2*i)&0xFFFF<<16 | reftest.BitsOf(name, 2*i+1)&0xFFFF))
		case s.dtype == safetensors.F8E4M3:
			out = append(out, byte(reftest.BitsOf(name, i)&0xBF))
		case s.dtype == safetensors.F16:
			e := bits.Len64(scale) - 1
			out = binary.LittleEndian.AppendUint16(out, uint16(e+1)<<10|uint16(scale<<(10-e))&0x3FF)
		case strings.Contains(name, "scale") && s.dtype == safetensors.F32:
			word(math.Float32bits(float32(scale) / (1 << 14)))
		case s.random:
			out = append(out, byte(reftest.BitsOf(name, i)))
		case s.dtype != safetensors.F32:
			out = append(out, make([]byte, s.dtype.Bits()/8)...)
		}
	}
	if out == nil && n > 0 {
		for _, v := range reftest.NumbersOf(name, s.shape) {
			word(math.Float32bits(v))
		}
	}
	return out
}

// group tells the group of each input.
func (s storedShape) group() func(i int) uint32 {
	var given []uint32
	if json.Unmarshal(s.groups, &given) == nil {
		return func(i int) uint32 { return given[i] }
	}
	size := 1
	if s.groups != nil {
		if err := json.Unmarshal([]byte(strings.Trim(string(s.groups), `"/`)), &size); err != nil {
			panic(err)
		}
	}
	return func(i int) uint32 { return uint32(i / size) }
}

// folder writes the model.
func (c *packerCase) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), c.Config, 0o600))
	copyFile(t, filepath.Join("..", "tokenizer", "testdata", "tiny.json"), filepath.Join(dir, "tokenizer.json"))
	writeTensors(t, filepath.Join(dir, "model.safetensors"), c.Stored)
	return dir
}

// writeTensors makes a safetensors file.
func writeTensors(t *testing.T, path string, stored map[string]storedShape) {
	t.Helper()
	var infos []safetensors.TensorInfo
	for name, s := range stored {
		infos = append(infos, safetensors.TensorInfo{Name: name, DType: s.dtype, Shape: s.shape})
	}
	h, err := safetensors.NewHeader(infos, nil)
	require.NoError(t, err)
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = h.WriteTo(f)
	require.NoError(t, err)
	for _, info := range h.Tensors {
		_, err := f.Write(stored[info.Name].bytes(info.Name))
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}

func packerCases(t *testing.T) map[string]*packerCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "formats.json"))
	require.NoError(t, err)
	var cases map[string]*packerCase
	require.NoError(t, json.Unmarshal(data, &cases))
	return cases
}

// GPTQ, AWQ and block-scaled fp8, of every kind that is read, give the logits of
// their definitions. Integers stay packed: MLX holds the same codes.
func TestPackersParity(t *testing.T) {
	cases := packerCases(t)
	rows := newTable(t, "packers", "case", "weights and activations", "largest difference", "bound")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		dir := c.folder(t)
		for form, f := range map[string]parityForm{
			"packed": {opts: []Option{WithWeights(Packed)}, tolerance: 1e-5}, "dense": {opts: []Option{WithWeights(Dense)}, tolerance: 1e-5},
			"trained": {opts: []Option{WithTraining(), WithWeights(Dense)}, tolerance: 1e-5},
			// 8 bits of mantissa, in biases of up to 255 times their scales
			"packed, bf16": {opts: []Option{WithWeights(Packed), WithDtype(mlx.BFloat16)}, tolerance: 6e-2},
		} {
			t.Run(name+"/"+form, func(t *testing.T) {
				if testing.Short() && form != "packed" {
					t.Skip("one form is enough")
				}
				worst := c.requireLogits(t, dir, f.tolerance, f.opts...)
				rows.add(name, form, fmt.Sprintf("%.1e", worst), fmt.Sprintf("%.0e", f.tolerance))
			})
		}
	}
}
