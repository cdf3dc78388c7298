package models

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Published configurations make models of as many parameters as mlx-lm's have.
// Only layers that attend take memory by the token.
func TestPublishedQwenDelta(t *testing.T) {
	requirePublished(t, "Qwen3.5-0.8B", 752_393_024, 6*2*2*256*2)
	requirePublished(t, "Qwen3.5-27B", 26_895_998_464, 16*2*4*256*2)
	requirePublished(t, "Qwen3.5-35B-A3B", 34_660_610_688, 10*2*2*256*2)
	requirePublished(t, "Qwen3-Next-80B-A3B-Instruct", 79_674_391_296, 12*2*2*256*2)

	config, err := os.ReadFile(filepath.Join("testdata", "configs", "Qwen3.5-0.8B.json"))
	require.NoError(t, err)
	info, err := Describe(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, uint64(18*(3*6144*2+16*128*128*4)), info.CacheBytes(0), "of 18 recurrent layers")
}

func TestQwenDeltaConfigsAreRefused(t *testing.T) {
	sizes := []string{"hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
		"intermediate_size", "full_attention_interval", "linear_conv_kernel_dim", "linear_key_head_dim", "linear_value_head_dim",
		"linear_num_key_heads", "linear_num_value_heads", "num_experts", "num_experts_per_tok", "moe_intermediate_size",
		"shared_expert_intermediate_size", "decoder_sparse_step"}
	requireFieldErrors(t, "qwen3_next", sizes, []badField{
		{"num_key_value_heads", 3, "num_key_value_heads: 3 does not divide num_attention_heads 4"},
		{"linear_num_key_heads", 3, "linear_num_key_heads: 3 does not divide linear_num_value_heads 4"},
		{"linear_conv_kernel_dim", 1, "linear_conv_kernel_dim: 1, want at least 2"},
		{"partial_rotary_factor", 0.1, "partial_rotary_factor: turns 1 of 16 features, want an even number of them"},
		{"partial_rotary_factor", 2, "partial_rotary_factor: turns 0 of 16 features"},
		{"partial_rotary_factor", -1, "partial_rotary_factor: turns 0 of 16 features"},
		{"rope_scaling", fields{"rope_type": "spiral"}, "rope_scaling.rope_type"},
		{"layer_types", []string{"linear_attention"}, "layer_types: 1 types for 4 layers"},
		{"layer_types", slices.Repeat([]string{"sliding_attention"}, 4), `layer_types: layer 0 is "sliding_attention", neither full_attention nor linear_attention`},
		{"attn_output_gate", false, "attn_output_gate: only attention with a gate is supported"},
		{"output_gate_type", "sigmoid", `output_gate_type: "sigmoid" is not swish`},
		{"num_experts_per_tok", 7, "num_experts_per_tok: 7 is not between 1 and the 6 of num_experts"},
		{"num_experts", 0, "num_experts: 0 is not between"},
	})
	for _, b := range []badField{
		{"intermediate_size", 0, "text_config: intermediate_size: 0 is not between"},
		{"linear_num_key_heads", 7, "text_config: linear_num_key_heads: 7 does not divide linear_num_value_heads 16"},
		{"rope_parameters", fields{"rope_type": "linear"}, "rope_scaling.factor is 0"},
		{"linear_key_head_dim", "128", "linear_key_head_dim: string is no int"},
	} {
		requireRefused(t, "Qwen3.5-0.8B", b.field, b.value, b.want)
	}
	requireRefused(t, "Qwen3.5-35B-A3B", "num_experts_per_tok", 0, "text_config: num_experts_per_tok: 0 is not between")
}

// The defaults of transformers fill in what a configuration leaves out, and
// layer_types goes before the interval.
func TestQwenDeltaDefaults(t *testing.T) {
	c := Qwen3NextConfig{}
	c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.VocabSize = 64, 8, 4, 32
	c.NumExperts, c.NumExpertsPerTok, c.MoeIntermediateSize, c.SharedExpertIntermediateSize = 4, 2, 32, 32
	require.NoError(t, c.normalize())
	require.Equal(t, []int{256, 4, 128, 128, 16, 32}, []int{c.HeadDim, c.LinearConvKernelDim, c.LinearKeyHeadDim, c.LinearValueHeadDim,
		c.LinearNumKeyHeads, c.LinearNumValueHeads})
	rope := c.layerRope()
	require.Equal(t, 64, rope.Dims)
	delta := cache.Recurrent(2)
	require.Equal(t, []cache.Kind{delta, delta, delta, cache.Full(), delta, delta, delta, cache.Full()}, c.kinds())
	c.LayerTypes = slices.Repeat([]string{"full_attention", "linear_attention"}, 4)
	require.NoError(t, c.normalize())
	require.Equal(t, slices.Repeat([]cache.Kind{cache.Full(), delta}, 4), c.kinds())
}

// Whichever operation of a prompt or a step fails, all layers are as they were: the
// next try gives the right logits.
func TestEveryOperationOfADeltaNetMayFail(t *testing.T) {
	leaktest.Check(t)
	c := parityCases(t, "qwen3_5")["bf16"] // of a layer of each kind
	m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
	leaktest.Do(t, func(th *mlx.Thread) {
		whole, kv := m.NewCache(th), m.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		want := lastOf(forward(t, th, m, whole, c.columns(2, 0, 20), 2, 20), 2, 20)
		require.NoError(t, whole.Close())
		failEach(t, th, m, kv, c.columns(2, 0, 10), 2, 10) // in a chunk
		forward(t, th, m, kv, c.columns(2, 0, 10), 2, 10)
		failEach(t, th, m, kv, c.columns(2, 10, 11), 2) // a step
		forward(t, th, m, kv, c.columns(2, 10, 11), 2)
		require.ErrorContains(t, kv.Trim(1), "no earlier state")
		require.Equal(t, 11, kv.Offset())
		require.Equal(t, 11, kv.Layers[1].Offset(), "the layer that attends stays as it is")
		logits := forward(t, th, m, kv, c.columns(2, 11, 20), 2, 9)
		requireClose(t, want, lastOf(logits, 2, 9), 1e-5, "after failures")
	})
}

// Layers that are all recurrent take as much memory after a thousand tokens as
// after ten.
func TestDeltaNetMemoryIsFlat(t *testing.T) {
	c := parityCases(t, "qwen3_5")["plain"]
	m, err := New(t.Context(), c.change(t, fields{"text_config": nil, "model_type": "qwen3_5_text", "hidden_size": 32, "num_hidden_layers": 2,
		"intermediate_size": 32, "num_attention_heads": 2, "head_dim": 16, "vocab_size": 32, "linear_num_key_heads": 2,
		"linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8}), WithDtype(mlx.Float32))
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := m.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		forward(t, th, m, kv, slices.Repeat([]int32{3}, 100), 1, 100)
		var before, live uint64
		for n := range 1000 {
			forward(t, th, m, kv, []int32{int32(n % 32)}, 1)
			if n == 10 {
				before, live = active(t, th), uint64(mlx.Live()["Array"])
			}
		}
		require.LessOrEqual(t, active(t, th), before+1<<13, "MLX reuses buffers that are somewhat larger; 9 bytes a token would be more")
		require.Equal(t, live, uint64(mlx.Live()["Array"]))
		require.Equal(t, 1100, kv.Offset())
	})
}

// active is how much memory MLX has in use when all is computed.
func active(t *testing.T, th *mlx.Thread) uint64 {
	t.Helper()
	require.NoError(t, th.Synchronize())
	n, err := th.ActiveMemory()
	require.NoError(t, err)
	return n
}

// A row that is padded on the left, through chunks and steps, gives what it gives
// alone; so do rows that were brought together after their prompts, and one that is
// taken out again.
func TestDeltaNetBatches(t *testing.T) {
	leaktest.Check(t)
	c := parityCases(t, "qwen3_5")["plain"]
	m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
	row, short := c.Tokens[0], c.Tokens[1][:13]
	leaktest.Do(t, func(th *mlx.Thread) {
		alone := func(tokens []int32) []float32 {
			kv := m.NewCache(th)
			defer func() { require.NoError(t, kv.Close()) }()
			return lastOf(forward(t, th, m, kv, tokens, 1, len(tokens)), 1, len(tokens))
		}
		padded := append(make([]int32, len(row)-len(short)), short...)
		columns := func(from, to int) []int32 { return append(slices.Clone(row[from:to]), padded[from:to]...) }
		kv := m.NewCache(th, cache.WithLeftPadding(0, len(row)-len(short)))
		defer func() { require.NoError(t, kv.Close()) }()
		forward(t, th, m, kv, columns(0, 5), 2, 5)
		logits := forward(t, th, m, kv, columns(5, 18), 2, 13)
		want := append(alone(row[:18]), alone(short[:11])...)
		requireClose(t, want, lastOf(logits, 2, 13), 1e-5, "padded chunks")
		forward(t, th, m, kv, columns(18, 19), 2)
		want = append(alone(row), alone(short)...)
		requireClose(t, want, forward(t, th, m, kv, columns(19, 20), 2), 1e-5, "padded steps")

		one, other := m.NewCache(th), m.NewCache(th)
		forward(t, th, m, one, row[:19], 1, 19)
		forward(t, th, m, other, short[:12], 1, 12)
		both, err := cache.Merge(th, one, other)
		require.NoError(t, err)
		require.NoError(t, one.Close())
		require.NoError(t, other.Close())
		defer func() { require.NoError(t, both.Close()) }()
		single, err := both.Extract(th, 1)
		require.NoError(t, err)
		defer func() { require.NoError(t, single.Close()) }()
		requireClose(t, want, forward(t, th, m, both, []int32{row[19], short[12]}, 2), 1e-5, "brought together")
		requireClose(t, alone(short), forward(t, th, m, single, short[12:], 1), 1e-5, "taken out")
	})
}
