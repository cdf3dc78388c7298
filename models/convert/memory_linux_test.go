package convert_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// sparse writes a llama of 130 million weights, all of them zero and stored as one
// sparse file of bfloat16.
func sparse(t *testing.T) string {
	t.Helper()
	const layers, dims, inner, vocab = 12, 1024, 2048, 8192
	dir := t.TempDir()
	write(t, dir, "config.json", fmt.Sprintf(`{"model_type": "llama", "hidden_size": %d, "num_hidden_layers": %d, "intermediate_size": %d,
		"num_attention_heads": 8, "vocab_size": %d, "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "torch_dtype": "bfloat16"}`, dims, layers, inner, vocab))
	write(t, dir, "tokenizer.json", letters(32))
	var tensors []safetensors.TensorInfo
	add := func(name string, shape ...int) {
		tensors = append(tensors, safetensors.TensorInfo{Name: name + ".weight", DType: safetensors.BF16, Shape: shape})
	}
	add("model.embed_tokens", vocab, dims)
	add("model.norm", dims)
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		for _, n := range []string{"q", "k", "v", "o"} {
			add(p+"self_attn."+n+"_proj", dims, dims)
		}
		add(p+"mlp.gate_proj", inner, dims)
		add(p+"mlp.up_proj", inner, dims)
		add(p+"mlp.down_proj", dims, inner)
		add(p+"input_layernorm", dims)
		add(p+"post_attention_layernorm", dims)
	}
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

// TestMemory converts a model of 260 MB into files of at most 48 MiB: memory stays
// below 1.2 times that, the process's own as well as MLX's.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes most of a gigabyte")
	}
	const shard = 48 << 20
	from, to := sparse(t), filepath.Join(t.TempDir(), "converted")
	run := func(conversion func() error) (own, ofMLX int64) {
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error { return th.ResetPeakMemory() }))
		before := anonymous(t)
		done := make(chan struct{})
		peak := make(chan int64)
		go func() {
			most := before
			for {
				select {
				case <-done:
					peak <- most - before
					return
				case <-time.After(time.Millisecond):
					most = max(most, anonymous(t))
				}
			}
		}()
		err := conversion()
		close(done)
		own = <-peak
		require.NoError(t, err)
		require.NoError(t, mlx.Do(t.Context(), func(th *mlx.Thread) error {
			n, err := th.PeakMemory()
			ofMLX = int64(n)
			return err
		}))
		return own, ofMLX
	}
	toFolder := func(from, name string, opts ...convert.Option) func() error {
		return func() error {
			result, err := convert.Folder(t.Context(), from, to+" "+name, append(opts, convert.ShardSize(shard))...)
			if err == nil {
				require.Greater(t, result.Shards, 1)
			}
			return err
		}
	}
	file := filepath.Join(t.TempDir(), "model.gguf")
	_, err := convert.GGUF(t.Context(), from, file, gguf.TypeQ8_0)
	require.NoError(t, err)
	for name, conversion := range map[string]func() error{
		"plain":   toFolder(from, "plain"),
		"float32": toFolder(from, "float32", convert.Dtype(mlx.Float32)),
		"8 bits":  toFolder(from, "8 bits", convert.Quantize(nn.Quantisation{Bits: 8})),
		"to GGUF": func() error {
			_, err := convert.GGUF(t.Context(), from, filepath.Join(t.TempDir(), "model.gguf"), gguf.TypeQ8_0)
			return err
		},
		"from GGUF": toFolder(file, "from GGUF"),
	} {
		own, ofMLX := run(conversion)
		t.Logf("%s: the process took %d MiB more, MLX %d, of files of %d", name, own>>20, ofMLX>>20, shard>>20)
		require.Less(t, own, int64(shard*12/10), name)
		require.Less(t, ofMLX, int64(shard*12/10), name)
	}
}

var rssAnon = regexp.MustCompile(`RssAnon:\s*(\d+) kB`)

// anonymous is the process's memory without mapped files.
func anonymous(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Error(err)
		return 0
	}
	kb, _ := strconv.ParseInt(string(rssAnon.FindSubmatch(status)[1]), 10, 64)
	return kb << 10
}
