package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Whichever operation fails, its error comes back and the cache is as it was.
func TestGemmaEveryOperationMayFail(t *testing.T) {
	for file, name := range map[string]string{"gemma2": "windows", "gemma3_text": "linear", "gemma4_text": "small bf16"} {
		t.Run(file, func(t *testing.T) {
			leaktest.Check(t)
			c := parityCases(t, file)[name]
			m := loadTest(t, c.folder(t))
			leaktest.Do(t, func(th *mlx.Thread) {
				kv := m.NewCache(th)
				defer func() { require.NoError(t, kv.Close()) }()
				failEach(t, th, m, kv, c.columns(2, 0, 8), 2, 8)
				forward(t, th, m, kv, c.columns(2, 0, 8), 2, 8)
				failEach(t, th, m, kv, c.columns(2, 8, 9), 2)
			})
		})
	}
}

// Loaded for training a model gives the same logits, and each of its weights has
// a gradient.
func TestGemmaTraining(t *testing.T) {
	for file, name := range map[string]string{"gemma2": "windows", "gemma3_text": "linear", "gemma4_text": "small"} {
		t.Run(file, func(t *testing.T) {
			leaktest.Check(t)
			c := parityCases(t, file)[name]
			m := loadTest(t, c.folder(t), WithTraining(), WithDtype(mlx.Float32))
			params := nn.Trainable(m.Module())
			require.Len(t, params, len(c.Tensors))
			leaktest.Do(t, func(th *mlx.Thread) {
				c.runWhole(t, th, m, 2, 1e-5)
				requireDescent(t, th, m, params, c.columns(2, 0, 8), 2, 8)
			})
		})
	}
}

// requireDescent moves every weight a step along its gradient and back: the loss
// changes as the gradients promise, and none of them is nothing.
func requireDescent(t *testing.T, th *mlx.Thread, m *Model, params nn.Tree, tokens []int32, batch, length int) {
	t.Helper()
	const step = 5e-4
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		loss := func(s *mlx.Scope) mlx.Array { return nextToken(s, m, mlx.Const(s, tokens, batch, length)) }
		_, grads := nn.ValueAndGrad(s, params, loss)
		norms := make([]mlx.Array, len(grads))
		for i, g := range grads {
			norms[i] = s.Sum(s.Square(g), false)
		}
		norm := s.Sqrt(s.Sum(s.Stack(norms), false))
		moved := func(by float64) (out mlx.Array) {
			at := make([]mlx.Array, len(params))
			for i, p := range params {
				at[i] = s.Add(p.Array(), s.Multiply(grads[i], s.Divide(s.Scalar(by, mlx.Float32), norm)))
			}
			params.With(at, func() { out = loss(s) })
			return out
		}
		slope := s.Divide(s.Subtract(moved(step), moved(-step)), s.Scalar(2*step, mlx.Float32))
		return append([]mlx.Array{slope, norm}, norms...)
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, mlx.CloseAll(all...)) }()
	values := make([]float32, len(all))
	for i, a := range all {
		values[i], err = mlx.Item[float32](th, a)
		require.NoError(t, err)
	}
	require.InEpsilon(t, values[1], values[0], 2e-3)
	for i, p := range params {
		require.Positive(t, values[2+i], p.Name)
	}
}

// Layers that share keys and values see the rows of a padded batch as those do
// that have them.
func TestGemmaBatchOfPrompts(t *testing.T) {
	for file, name := range map[string]string{"gemma2": "windows", "gemma4_text": "small"} {
		t.Run(file, func(t *testing.T) {
			leaktest.Check(t)
			c := parityCases(t, file)[name]
			m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
			leaktest.Do(t, func(th *mlx.Thread) { batchOfPrompts(t, th, m, c, nil) })
		})
	}
}

// Newer files say the same in other fields, which mlx-lm does not read.
func TestGemmaNewerFields(t *testing.T) {
	for _, x := range []struct {
		what, file, name string
		with             fields
	}{
		{"sizes by layer", "gemma4_text", "large", fields{
			"global_head_dim": nil, "num_global_key_value_heads": nil,
			"per_layer_config": fields{"2": fields{"head_dim": 32, "num_key_value_heads": 2}},
		}},
		{"scaling by layer type, bases as before", "gemma3_text", "linear", fields{
			"rope_scaling":    nil,
			"rope_parameters": fields{"full_attention": fields{"rope_type": "linear", "factor": 8}, "sliding_attention": fields{"rope_type": "default"}},
		}},
		{"one base for all", "gemma2", "windows", fields{
			"rope_theta": nil, "rope_parameters": fields{"rope_type": "default", "rope_theta": 10000},
		}},
		{"caps that are none", "gemma3_text", "linear", fields{"attn_logit_softcapping": nil, "final_logit_softcapping": 0}},
	} {
		t.Run(x.what, func(t *testing.T) {
			leaktest.Check(t)
			c := parityCases(t, x.file)[x.name]
			c.Config = c.change(t, x.with)
			m := loadTest(t, c.folder(t), WithDtype(mlx.Float32))
			leaktest.Do(t, func(th *mlx.Thread) { c.runWhole(t, th, m, 2, 1e-5) })
		})
	}
}
