package models

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Whichever operation of a mixture fails, few tokens or many, its error comes back
// and the cache is as it was.
func TestExpertsEveryOperationMayFail(t *testing.T) {
	leaktest.Check(t)
	for file, name := range map[string]string{"mixtral": "separate, sorted", "gpt_oss": "published", "granitemoe": "Hugging Face, sorted"} {
		c := parityCases(t, file)[name]
		m := loadTest(t, c.folder(t), WithWeights(Packed))
		leaktest.Do(t, func(th *mlx.Thread) {
			kv := m.NewCache(th)
			defer func() { require.NoError(t, kv.Close()) }()
			failEach(t, th, m, kv, c.columns(2, 0, 20), 2, 20)
			forward(t, th, m, kv, c.columns(2, 0, 20), 2, 20)
			failEach(t, th, m, kv, c.columns(2, 20, 21), 2)
		})
	}
}

// Parts of experts that a checkpoint lacks are named as they would be stored.
func TestExpertsMissing(t *testing.T) {
	for _, c := range []struct{ file, name, lacks, want string }{
		{"mixtral", "separate, sorted", "model.layers.1.block_sparse_moe.experts.2.w3.weight",
			"nn: weights missing: model.layers.1.block_sparse_moe.experts.2.w3.weight"},
		{"qwen3_moe", "separate, sorted", "model.layers.0.mlp.experts.7.down_proj.weight",
			"nn: weights missing: model.layers.0.mlp.experts.7.down_proj.weight"},
		{"gpt_oss", "published", "model.layers.0.mlp.experts.down_proj_bias",
			"nn: weights missing: model.layers.0.mlp.experts.down_proj.bias"},
		{"gpt_oss", "published", "model.layers.1.self_attn.sinks", "nn: weights missing: model.layers.1.self_attn.sinks"},
		{"granitemoe", "Hugging Face, sorted", "model.layers.0.block_sparse_moe.output_linear.weight",
			"nn: weights missing: model.layers.0.block_sparse_moe.switch_mlp.down_proj.weight"},
	} {
		p := parityCases(t, c.file)[c.name]
		p.Tensors = slices.DeleteFunc(p.Tensors, func(n namedShape) bool { return n.name == c.lacks })
		_, err := Load(t.Context(), p.folder(t))
		require.ErrorContains(t, err, c.want)
	}
}
