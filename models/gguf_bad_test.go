package models

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// drop takes a tensor away.
func (f *ggufFile) drop(name string) {
	for i := range f.tensors {
		if f.tensors[i].Name == name {
			f.tensors = append(f.tensors[:i:i], f.tensors[i+1:]...)
			f.data = append(f.data[:i:i], f.data[i+1:]...)
			return
		}
	}
}

// Whatever a file says, the error names it and the field or the tensor, and comes
// before anything large is allocated.
func TestHostileGGUFModelsAreRefused(t *testing.T) {
	leaktest.Check(t)
	const norm = "blk.0.attn_norm.weight"
	for _, c := range []struct {
		name  string
		spoil func(f *ggufFile)
		want  string
	}{
		{"no architecture", func(f *ggufFile) { f.unset("general.architecture") }, `"general.architecture": no such metadata key`},
		{"unknown architecture", func(f *ggufFile) { f.set(t, "general.architecture", "mamba") },
			`general.architecture: unknown architecture "mamba"; known: gemma2, gemma3, gpt-oss, llama, phi3, qwen2, qwen3, qwen3moe`},
		{"no width", func(f *ggufFile) { f.unset("llama.embedding_length") }, `"llama.embedding_length": no such metadata key`},
		{"a word for a width", func(f *ggufFile) { f.set(t, "llama.embedding_length", "256") }, `"llama.embedding_length" is string, want integer`},
		{"an absurd width", func(f *ggufFile) { f.set(t, "llama.embedding_length", uint64(1)<<40) }, "hidden_size: 1099511627776 is not between 1 and"},
		{"a width that overflows", func(f *ggufFile) { f.set(t, "llama.embedding_length", uint64(math.MaxUint64)) }, `"llama.embedding_length": element 0 does not fit int64`},
		{"absurdly many layers", func(f *ggufFile) { f.set(t, "llama.block_count", uint32(math.MaxUint32)) }, "num_hidden_layers: 4294967295 is not between 1 and 1024"},
		{"more layers than there are", func(f *ggufFile) { f.set(t, "llama.block_count", uint32(1024)) }, "weights missing: model.layers."},
		{"no layers", func(f *ggufFile) { f.set(t, "llama.block_count", uint32(0)) }, "num_hidden_layers: 0 is not between 1 and"},
		{"fewer than no layers", func(f *ggufFile) { f.set(t, "llama.block_count", int32(-1)) }, "num_hidden_layers: -1 is not between 1 and"},
		{"a list of layers", func(f *ggufFile) { f.set(t, "llama.block_count", []uint32{1, 1}) }, `"llama.block_count" is array of uint32, want integer`},
		{"no heads", func(f *ggufFile) { f.set(t, "llama.attention.head_count", uint32(0)) }, "num_attention_heads: 0 is not between 1 and"},
		{"heads that do not divide", func(f *ggufFile) { f.set(t, "llama.attention.head_count_kv", uint32(3)) }, "num_key_value_heads: 3 does not divide"},
		{"an epsilon that is a word", func(f *ggufFile) { f.set(t, "llama.attention.layer_norm_rms_epsilon", "small") }, `"llama.attention.layer_norm_rms_epsilon" is string, want float`},
		{"an unknown scaling", func(f *ggufFile) { f.set(t, "llama.rope.scaling.type", "stretch") }, `llama.rope.scaling.type: "stretch" is not supported`},
		{"a scaling without a factor", func(f *ggufFile) { f.set(t, "llama.rope.scaling.type", "yarn") }, `"llama.rope.scaling.factor": no such metadata key`},
		{"a scaling by a negative factor", func(f *ggufFile) {
			f.set(t, "llama.rope.scaling.type", "linear")
			f.set(t, "llama.rope.scaling.factor", float32(-2))
		}, "rope_scaling.factor is -2, want a positive number"},
		{"more factors than pairs", func(f *ggufFile) { f.addFloats(t, ggufRopeFreqs, make([]float32, 33), 33) }, "tensor rope_freqs.weight: F32 [33] is no factor for each pair of 64 features"},
		{"fewer factors than pairs", func(f *ggufFile) { f.addFloats(t, ggufRopeFreqs, []float32{1, 2}, 2) }, "rope_scaling.freq_factors has 2 numbers for 32 pairs"},
		{"a factor of 0", func(f *ggufFile) { f.addFloats(t, ggufRopeFreqs, make([]float32, 32), 32) }, "tensor rope_freqs.weight: factor 0 is 0, want a positive number"},
		{"long factors alone", func(f *ggufFile) { f.addFloats(t, ggufRopeLong, []float32{1}, 1) }, "tensor rope_factors_short.weight is missing beside rope_factors_long.weight"},
		{"no embedding", func(f *ggufFile) { f.drop("token_embd.weight") }, "tensor token_embd.weight is missing or no matrix"},
		{"a missing tensor", func(f *ggufFile) { f.drop(norm) }, "weights missing: model.layers.0.input_layernorm.weight"},
		{"a tensor too many", func(f *ggufFile) { f.addFloats(t, "blk.0.attn_sinks.weight", make([]float32, 4), 4) }, "not part of the model: blk.0.attn_sinks.weight"},
		{"a tensor of another shape", func(f *ggufFile) {
			f.drop(norm)
			f.addFloats(t, norm, make([]float32, 128), 128)
		}, "model.layers.0.input_layernorm.weight has shape [128], want [256]"},
		{"a tensor of a type that nobody reads", func(f *ggufFile) {
			f.drop("blk.0.ffn_up.weight")
			f.add("blk.0.ffn_up.weight", gguf.TypeIQ2XS, make([]byte, 256*74), 256, 256)
		}, "tensor blk.0.ffn_up.weight: type IQ2_XS is not supported"},
		{"a scale that is not a number", func(f *ggufFile) {
			for i := range f.tensors {
				if f.tensors[i].Name == "blk.0.ffn_up.weight" {
					binary.LittleEndian.PutUint16(f.data[i][144:], 0x7e00)
				}
			}
		}, `"blk.0.ffn_up.weight" (Q4_K): row 1, block 0: scale or minimum is not finite, the file is damaged`},
		{"a stop token that is none", func(f *ggufFile) { f.set(t, "tokenizer.ggml.eos_token_id", uint32(32)) }, "tokenizer.ggml.eos_token_id: 32 is not one of the 32 tokens"},
		{"no vocabulary", func(f *ggufFile) { f.unset("tokenizer.ggml.tokens") }, `"tokenizer.ggml.tokens": no such metadata key`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := llamaOfBlocks(t, gguf.TypeQ4K)
			c.spoil(f)
			path := f.write(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Load(t.Context(), path, WithWeights(Packed))
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, "models: load "+path+": ")
			require.ErrorContains(t, err, c.want)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20), "bytes allocated")
		})
	}
}
