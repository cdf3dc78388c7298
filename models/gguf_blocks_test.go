package models

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// blockScale is a float16 number of a block: its place, and the number that it
// comes near.
type blockScale struct {
	at   int
	near float64
}

// blockScales are those of testdata/gguf_blocks.py.
var blockScales = map[gguf.Type][]blockScale{
	gguf.TypeQ4_0: {{0, 1. / 64}}, gguf.TypeQ4_1: {{0, 1. / 64}, {2, -1. / 16}}, gguf.TypeQ5_0: {{0, 1. / 128}},
	gguf.TypeQ5_1: {{0, 1. / 128}, {2, -1. / 16}}, gguf.TypeQ8_0: {{0, 1. / 1024}}, gguf.TypeQ2K: {{80, 1. / 512}, {82, 1. / 512}},
	gguf.TypeQ3K: {{108, 1. / 1024}}, gguf.TypeQ4K: {{0, 1. / 8192}, {2, 1. / 1024}}, gguf.TypeQ5K: {{0, 1. / 16384}, {2, 1. / 1024}},
	gguf.TypeQ6K: {{208, 1. / 32768}}, gguf.TypeIQ4NL: {{0, 1. / 1024}}, gguf.TypeIQ4XS: {{0, 1. / 32768}}, gguf.TypeMXFP4: nil,
}

// randomBlocks are the blocks that testdata/gguf_blocks.py makes of a name.
func randomBlocks(typ gguf.Type, name string, rows int) []byte {
	raw := make([]byte, rows*256/typ.BlockSize()*typ.BlockBytes())
	for i := range raw {
		raw[i] = byte(reftest.BitsOf(name, i))
	}
	for b := 0; b < len(raw); b += typ.BlockBytes() {
		for _, s := range blockScales[typ] {
			scale := float64(8+raw[b+s.at]%8) / 16 * s.near
			binary.LittleEndian.PutUint16(raw[b+s.at:], halfOf(scale))
		}
		if typ == gguf.TypeMXFP4 {
			raw[b] = 120 + raw[b]%3
		}
	}
	return raw
}

// halfOf is a float16 of at most four bits of mantissa.
func halfOf(v float64) uint16 {
	frac, exp := math.Frexp(math.Abs(v)) // 0.5 <= frac < 1
	h := uint16(exp+14)<<10 | uint16(frac*2048)&0x3ff
	if exp+14 <= 0 { // subnormal
		h = uint16(math.Ldexp(math.Abs(v), 24))
	}
	if v < 0 {
		h |= 0x8000
	}
	return h
}

// tinyLlama is the metadata of a llama of one layer of 256.
func tinyLlama(t *testing.T) *ggufFile {
	t.Helper()
	f := new(ggufFile)
	f.set(t, "general.architecture", "llama")
	for key, v := range map[string]uint32{
		"embedding_length": 256, "block_count": 1, "feed_forward_length": 256, "attention.head_count": 4, "attention.head_count_kv": 2,
		"context_length": 128,
	} {
		f.set(t, "llama."+key, v)
	}
	f.set(t, "llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	f.set(t, "llama.rope.freq_base", float32(10000))
	f.vocabulary(t, 32)
	return f
}

// llamaOfBlocks has matrices of random blocks.
func llamaOfBlocks(t *testing.T, typ gguf.Type) *ggufFile {
	t.Helper()
	f := tinyLlama(t)
	for name, rows := range map[string]int{
		"token_embd": 32, "output": 32, "blk.0.attn_q": 256, "blk.0.attn_k": 128, "blk.0.attn_v": 128, "blk.0.attn_output": 256,
		"blk.0.ffn_gate": 256, "blk.0.ffn_up": 256, "blk.0.ffn_down": 256,
	} {
		name += ".weight"
		f.add(name, typ, randomBlocks(typ, name, rows), rows, 256)
	}
	for _, name := range []string{"output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"} {
		f.addFloats(t, name, reftest.NumbersOf(name, []int{256}), 256)
	}
	return f
}

// A model of every type of block gives the logits of the weights that the Python
// package gguf reads in it: unpacked, and packed in the form that MLX has, within
// what that form promises.
func TestGGUFBlocksEqualReference(t *testing.T) {
	data, err := os.ReadFile("testdata/gguf_blocks.json")
	require.NoError(t, err)
	var cases map[string]struct {
		Type   gguf.Type
		Tokens []int32
		Logits [][]float32
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.Len(t, cases, len(blockScales))
	rows := newTable(t, "gguf blocks", "type", "weights", "largest difference", "bound")
	for name, c := range cases {
		for form, tolerance := range map[WeightForm]float64{Dense: 1e-5, Packed: 1e-5} {
			if form == Packed && (c.Type == gguf.TypeQ2K || c.Type == gguf.TypeQ6K) {
				tolerance = 1e-2 // their form is a near one
			}
			t.Run(name+"/"+string(form), func(t *testing.T) {
				leaktest.Check(t)
				m := loadTest(t, llamaOfBlocks(t, c.Type).write(t), WithWeights(form), WithDtype(mlx.Float32))
				leaktest.Do(t, func(th *mlx.Thread) {
					kv := m.NewCache(th)
					defer func() { require.NoError(t, kv.Close()) }()
					have := forward(t, th, m, kv, c.Tokens, 1, len(c.Tokens))
					var want []float32
					for _, row := range c.Logits {
						want = append(want, row...)
					}
					worst := requireClose(t, want, have[len(have)-len(want):], tolerance, "the last logits")
					rows.add(name, string(form), fmt.Sprintf("%.1e", worst), fmt.Sprintf("%.0e", tolerance))
				})
			})
		}
	}
}
