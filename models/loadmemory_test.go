package models

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// emptyFolder writes a llama of 24 layers and 80 million weights, all of them zero
// and stored as sparse files, in the form of one of formats.
func emptyFolder(t *testing.T, settings string, store func(name string, out, in int) []safetensors.TensorInfo) string {
	t.Helper()
	const layers, dims, inner, vocab = 24, 512, 1408, 4096
	dir := t.TempDir()
	config := fmt.Sprintf(`{"model_type": "llama", "hidden_size": %d, "num_hidden_layers": %d, "intermediate_size": %d, "num_attention_heads": 8,
		"vocab_size": %d, "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "torch_dtype": "bfloat16"%s}`, dims, layers, inner, vocab, settings)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600))
	copyFile(t, filepath.Join("..", "tokenizer", "testdata", "tiny.json"), filepath.Join(dir, "tokenizer.json"))
	tensors := store("model.embed_tokens", vocab, dims)
	norm := func(name string) {
		tensors = append(tensors, safetensors.TensorInfo{Name: name + ".weight", DType: safetensors.BF16, Shape: []int{dims}})
	}
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		for _, n := range []string{"q", "k", "v", "o"} {
			tensors = append(tensors, store(p+"self_attn."+n+"_proj", dims, dims)...)
		}
		tensors = append(tensors, store(p+"mlp.gate_proj", inner, dims)...)
		tensors = append(tensors, store(p+"mlp.up_proj", inner, dims)...)
		tensors = append(tensors, store(p+"mlp.down_proj", dims, inner)...)
		norm(p + "input_layernorm")
		norm(p + "post_attention_layernorm")
	}
	norm("model.norm")
	h, err := safetensors.NewHeader(tensors, nil)
	require.NoError(t, err)
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	require.NoError(t, err)
	_, err = h.WriteTo(f)
	require.NoError(t, err)
	last := h.Tensors[len(h.Tensors)-1]
	require.NoError(t, f.Truncate(last.Offset+last.Size))
	require.NoError(t, f.Close())
	return dir
}

func storeBF16(name string, out, in int) []safetensors.TensorInfo {
	return []safetensors.TensorInfo{{Name: name + ".weight", DType: safetensors.BF16, Shape: []int{out, in}}}
}

func store4Bit(name string, out, in int) []safetensors.TensorInfo {
	return []safetensors.TensorInfo{
		{Name: name + ".weight", DType: safetensors.U32, Shape: []int{out, in / 8}},
		{Name: name + ".scales", DType: safetensors.BF16, Shape: []int{out, in / 64}},
		{Name: name + ".biases", DType: safetensors.BF16, Shape: []int{out, in / 64}},
	}
}

func storeGPTQ(name string, out, in int) []safetensors.TensorInfo {
	if name == "model.embed_tokens" {
		return storeBF16(name, out, in)
	}
	return []safetensors.TensorInfo{
		{Name: name + ".qweight", DType: safetensors.I32, Shape: []int{in / 8, out}},
		{Name: name + ".scales", DType: safetensors.F16, Shape: []int{in / 64, out}},
		{Name: name + ".qzeros", DType: safetensors.I32, Shape: []int{in / 64, out / 8}},
	}
}

func storeFP8(name string, out, in int) []safetensors.TensorInfo {
	if name == "model.embed_tokens" {
		return storeBF16(name, out, in)
	}
	return []safetensors.TensorInfo{
		{Name: name + ".weight", DType: safetensors.F8E4M3, Shape: []int{out, in}},
		{Name: name + ".weight_scale_inv", DType: safetensors.F32, Shape: []int{(out + 127) / 128, (in + 127) / 128}},
	}
}

// Loading takes at most 1.15 times what the model takes in the end: arrays, what
// MLX keeps of freed ones, and Go's heap. Pages of the mapped file are not counted.
func TestLoadMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 300 MB")
	}
	const quant = `, "quantization": {"bits": 4, "group_size": 64}`
	for _, c := range []struct {
		name, config string
		store        func(name string, out, in int) []safetensors.TensorInfo
		opts         []Option
	}{
		{"bf16", "", storeBF16, []Option{WithDtype(mlx.BFloat16)}},
		{"bf16 as f32", "", storeBF16, []Option{WithDtype(mlx.Float32)}},
		{"bf16 for training", "", storeBF16, []Option{WithDtype(mlx.Float32), WithTraining()}},
		{"4 bits", quant, store4Bit, []Option{WithDtype(mlx.BFloat16), WithWeights(Packed)}},
		{"4 bits with f32", quant, store4Bit, []Option{WithDtype(mlx.Float32), WithWeights(Packed)}},
		{"4 bits unpacked", quant, store4Bit, []Option{WithDtype(mlx.Float32), WithWeights(Dense)}},
		{"gptq", `, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 64}`, storeGPTQ, []Option{WithDtype(mlx.Float32), WithWeights(Packed)}},
		{"fp8", `, "quantization_config": {"quant_method": "fp8"}`, storeFP8, []Option{WithDtype(mlx.BFloat16)}},
		{"fp8 as f32", `, "quantization_config": {"quant_method": "fp8"}`, storeFP8, []Option{WithDtype(mlx.Float32)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			peak, model, held := loadMemory(t, emptyFolder(t, c.config, c.store), c.opts)
			t.Logf("model %.1f MB; arrays at most %.3f times, with freed ones and Go's heap after a layer %.3f times",
				float64(model)/1e6, float64(peak)/float64(model), float64(held)/float64(model))
			require.LessOrEqual(t, float64(peak), 1.15*float64(model))
			require.LessOrEqual(t, float64(held), 1.15*float64(model))
		})
	}
}

// loadMemory measures the peak of the arrays of a load, the model in the end, and
// the most that was held after a layer.
func loadMemory(t *testing.T, dir string, opts []Option) (peak, model, held uint64) {
	t.Helper()
	amount := func(n uint64, err error) uint64 {
		require.NoError(t, err)
		return n
	}
	var before, heap uint64
	measure := func() (now uint64) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			now = amount(th.ActiveMemory()) + amount(th.CacheMemory()) + stats.HeapInuse
			return nil
		}))
		return now
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		require.NoError(t, th.ClearCache())
		runtime.GC()
		before = amount(th.ActiveMemory())
		heap = measure()
		require.NoError(t, th.ResetPeakMemory())
	})
	m := loadTest(t, dir, append(opts, WithLoadProgress(func(int, int, string) { held = max(held, measure()) }))...)
	leaktest.Do(t, func(th *mlx.Thread) {
		peak, model = amount(th.PeakMemory())-before, amount(th.ActiveMemory())-before
	})
	require.NoError(t, m.Close())
	return peak, model, held - heap
}
