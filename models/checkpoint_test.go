package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestOpenCheckpoint(t *testing.T) {
	ck, err := OpenCheckpoint(tiny(t, "q4"))
	require.NoError(t, err)
	require.Equal(t, "llama", ck.ModelType)
	forms := map[string]CheckpointTensor{}
	for _, tensor := range ck.Tensors {
		forms[tensor.Name] = tensor
	}
	q := forms["model.layers.0.self_attn.q_proj.weight"]
	require.True(t, q.Quantisable)
	require.Equal(t, 4, q.Tensor.(nn.Quantised).Quantisation().Bits)
	require.Equal(t, mlx.Float32, nn.StoredDtype(q.Tensor))
	norm := forms["model.norm.weight"]
	require.False(t, norm.Quantisable)
	require.Equal(t, "model.embed_tokens.weight", ck.Tensors[0].Name)
	require.NoError(t, ck.Close())
}

// TestOpenCheckpointRefuses what Load refuses.
func TestOpenCheckpointRefuses(t *testing.T) {
	dir := tiny(t, "plain")
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, c := range map[string]struct{ old, new, says string }{
		"a layer too many": {`"num_hidden_layers": 2`, `"num_hidden_layers": 3`, "nn: weights missing: model.layers.2."},
		"a layer too few":  {`"num_hidden_layers": 2`, `"num_hidden_layers": 1`, "not part of the model: model.layers.1."},
		"another shape":    {`"intermediate_size": 40`, `"intermediate_size": 48`, "of the wrong shape: model.layers.0.mlp.down_proj.weight has shape"},
		"unknown":          {`"model_type": "llama"`, `"model_type": "lama"`, `unknown architecture "lama"`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(config), c.old, c.new, 1)
			require.NotEqual(t, string(config), changed)
			require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
			_, err := OpenCheckpoint(dir)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "config.json")
		})
	}
}
