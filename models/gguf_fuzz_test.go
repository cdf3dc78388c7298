package models

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// FuzzGGUFModel reads configuration and table of tensors of any file: it is refused,
// or describes a model whose tensors can be asked for.
func FuzzGGUFModel(f *testing.F) {
	for _, name := range []string{"llama 3", "qwen3 moe", "gemma3 linear", "phi3 long", "gpt-oss"} {
		v := newConverter(f, parityCases(f, "gguf")[name])
		v.metadata()
		v.out.addFloats(f, "token_embd.weight", make([]float32, 8), 4, 2)
		v.out.addFloats(f, "blk.0.attn_q.weight", make([]float32, 8), 4, 2)
		data, err := os.ReadFile(v.out.write(f))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Parse(bytes.NewReader(data), int64(len(data)), "input.gguf")
		if err != nil {
			return
		}
		name, arch, err := ggufArchOf(file)
		if err != nil {
			return
		}
		config, err := readGGUFConfig(file, name, arch)
		if err != nil {
			require.ErrorContains(t, err, "input.gguf")
			return
		}
		text, err := config.json()
		require.NoError(t, err)
		if _, err := newArchitecture(text); err != nil {
			return
		}
		w := newGGUFWeights(file, arch, config)
		for _, n := range w.Names() {
			tensor := w.Tensor(n)
			require.NotNil(t, tensor.Shape())
			if c, ok := tensor.(nn.Checker); ok {
				_ = c.Check()
			}
		}
	})
}
