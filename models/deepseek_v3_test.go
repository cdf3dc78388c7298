package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestDeepseekV3Parity(t *testing.T) { testParity(t, "deepseek_v3") }

// Layers that predict further tokens are no part of the model, as many as the
// configuration says; one more is.
func TestDeepseekV3DropsPredictions(t *testing.T) {
	more := namedShape{"model.layers.2.self_attn.o_proj.weight", []int{64, 64}}
	for _, with := range []fields{{}, {"num_nextn_predict_layers": 1}, {"num_nextn_predict_layers": 2}} {
		c := parityCases(t, "deepseek_v3")["Hugging Face's names"]
		c.Tensors = append(c.Tensors, more, namedShape{"model.layers.2.eh_proj.weight", []int{64, 128}})
		c.Config = c.change(t, with)
		c.requireParity(t)
	}
	for name, with := range map[string]fields{
		"model.layers.2.self_attn.o_proj.weight": {"num_nextn_predict_layers": 0},
		"model.layers.3.self_attn.o_proj.weight": {"num_nextn_predict_layers": 1},
	} {
		c := parityCases(t, "deepseek_v3")["Hugging Face's names"]
		c.Tensors = append(c.Tensors, namedShape{name, more.shape})
		c.Config = c.change(t, with)
		_, err := Load(t.Context(), c.folder(t))
		require.ErrorContains(t, err, "nn: weights not part of the model: "+name)
	}
}

// An expert that a checkpoint lacks is named as it would be stored.
func TestDeepseekV3MissingExpert(t *testing.T) {
	c := parityCases(t, "deepseek_v3")["Hugging Face's names"]
	for i, n := range c.Tensors {
		if n.name == "model.layers.1.mlp.experts.5.up_proj.weight" {
			c.Tensors = append(c.Tensors[:i], c.Tensors[i+1:]...)
			break
		}
	}
	_, err := Load(t.Context(), c.folder(t))
	require.ErrorContains(t, err, "nn: weights missing: model.layers.1.mlp.experts.5.up_proj.weight")
}

// Whichever operation fails, its error comes back and the cache is as it was.
func TestDeepseekV3EveryOperationMayFail(t *testing.T) {
	leaktest.Check(t)
	c := parityCases(t, "deepseek_v3")["Hugging Face's names"]
	m := loadTest(t, c.folder(t))
	leaktest.Do(t, func(th *mlx.Thread) {
		kv := m.NewCache(th)
		defer func() { require.NoError(t, kv.Close()) }()
		failEach(t, th, m, kv, c.columns(2, 0, 5), 2, 5)
		forward(t, th, m, kv, c.columns(2, 0, 5), 2, 5)
		failEach(t, th, m, kv, c.columns(2, 5, 6), 2)
	})
}

// The loss changes along its gradient as the gradient promises: the latents, the
// gates and the experts pass it on.
func TestDeepseekV3Gradients(t *testing.T) {
	c := parityCases(t, "deepseek_v3")["Hugging Face's names"]
	m := loadTest(t, c.folder(t), WithTraining())
	leaktest.Do(t, func(th *mlx.Thread) {
		params := nn.Trainable(m.Module())
		_, found := params.Find("model.layers.1.mlp.gate.e_score_correction_bias")
		require.False(t, found)
		tokens := c.columns(2, 0, 8)
		const step = 1e-3
		values, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			loss := func(s *mlx.Scope) mlx.Array { return nextToken(s, m, mlx.Const(s, tokens, 2, 8)) }
			_, grads := nn.ValueAndGrad(s, params, loss)
			norm, size := s.Scalar(0, mlx.Float32), s.Scalar(step, mlx.Float32)
			for _, g := range grads {
				norm = s.Add(norm, s.Sum(s.Square(g), false))
			}
			size = s.Divide(size, s.Sqrt(norm))
			moved := func(sign float64) (out mlx.Array) {
				at := make([]mlx.Array, len(params))
				for i, p := range params {
					at[i] = s.Add(p.Array(), s.Multiply(s.Multiply(grads[i], size), s.Scalar(sign, mlx.Float32)))
				}
				params.With(at, func() { out = loss(s) })
				return out
			}
			return []mlx.Array{s.Subtract(moved(1), moved(-1)), s.Multiply(s.Sqrt(norm), s.Scalar(2*step, mlx.Float32))}
		})
		require.NoError(t, err)
		defer mlx.CloseAll(values...)
		change, err := mlx.Values[float32](th, values[0])
		require.NoError(t, err)
		promised, err := mlx.Values[float32](th, values[1])
		require.NoError(t, err)
		require.InEpsilon(t, promised[0], change[0], 1e-3)
	})
}

func TestDeepseekV3RefusesConfigs(t *testing.T) {
	sizes := []string{
		"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "vocab_size", "kv_lora_rank", "q_lora_rank",
		"qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "moe_intermediate_size", "n_routed_experts", "n_shared_experts",
		"num_experts_per_tok", "n_group", "topk_group", "moe_layer_freq", "first_k_dense_replace", "num_nextn_predict_layers",
	}
	requireFieldErrors(t, "deepseek_v3", sizes, []badField{
		{"kv_lora_rank", nil, "kv_lora_rank: 0 is not between 1 and"},
		{"qk_rope_head_dim", 7, "qk_rope_head_dim: 7 is odd"},
		{"topk_method", "gready", `topk_method: "gready" is none of noaux_tc, group_limited_greedy and greedy`},
		{"scoring_func", "softmax", `scoring_func: "softmax" does not go with topk_method noaux_tc, which has sigmoid`},
		{"topk_method", "greedy", `scoring_func: "sigmoid" does not go with topk_method greedy, which has softmax`},
		{"n_group", 3, "n_group: 3 does not divide n_routed_experts 8"},
		{"n_group", 8, "n_group: 8: a group of n_routed_experts 8 needs two"},
		{"topk_group", 5, "topk_group: 5 of n_group 4"},
		{"num_experts_per_tok", 5, "num_experts_per_tok: 5, of 4 that topk_group leaves"},
		{"rope_scaling", fields{"type": "yarn", "factor": 40, "mscale_all_dim": -1e9}, "rope_scaling.mscale_all_dim"},
	})
}
