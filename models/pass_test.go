package models

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// passConfigs are small models of each way in which blocks are run.
var passConfigs = map[string]string{
	"llama": `{"model_type":"llama","hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":4,
		"num_key_value_heads":2,"vocab_size":50,"rms_norm_eps":1e-5,"tie_word_embeddings":true}`,
	"gemma3": `{"model_type":"gemma3_text","hidden_size":32,"intermediate_size":48,"num_hidden_layers":3,"num_attention_heads":2,
		"num_key_value_heads":1,"head_dim":16,"vocab_size":50,"sliding_window":4,"sliding_window_pattern":2,"query_pre_attn_scalar":16}`,
	"gemma2": `{"model_type":"gemma2","hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":2,
		"num_key_value_heads":1,"head_dim":16,"vocab_size":50,"sliding_window":4,"query_pre_attn_scalar":16,
		"attn_logit_softcapping":50,"final_logit_softcapping":3}`,
	"granite": `{"model_type":"granite","hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":4,
		"num_key_value_heads":2,"vocab_size":50,"rms_norm_eps":1e-5,"logits_scaling":4,"tie_word_embeddings":false}`,
	"mixtral": `{"model_type":"mixtral","hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":4,
		"num_key_value_heads":2,"vocab_size":50,"num_local_experts":4,"num_experts_per_tok":2}`,
	"qwen3_next": qwenNextConfig,
}

const qwenNextConfig = `{"model_type":"qwen3_next","hidden_size":32,"intermediate_size":48,"num_hidden_layers":4,"num_attention_heads":2,
	"num_key_value_heads":1,"head_dim":16,"vocab_size":50,"linear_num_value_heads":4,"linear_num_key_heads":2,"linear_key_head_dim":8,
	"linear_value_head_dim":8,"linear_conv_kernel_dim":4,"num_experts":4,"num_experts_per_tok":2,"decoder_sparse_step":1,
	"shared_expert_intermediate_size":16,"mlp_only_layers":[],"moe_intermediate_size":16,"rms_norm_eps":1e-6,"rope_theta":10000,
	"partial_rotary_factor":0.5,"max_position_embeddings":128,"norm_topk_prob":true,"full_attention_interval":2}`

// passTokens are two rows of 13 tokens and what follows each.
func passTokens(s *mlx.Scope) (in, next mlx.Array) {
	ids := make([]int32, 2*14)
	for i := range ids {
		ids[i] = int32(i*i*7+3*i+1) % 50
	}
	all := mlx.Const(s, ids, 2, 14)
	return s.Slice(all, []int{0, 0}, []int{2, 13}, []int{1, 1}), s.Slice(all, []int{0, 1}, []int{2, 14}, []int{1, 1})
}

// chunkedLoss is the sum of the cross entropies of passTokens without whole logits.
func chunkedLoss(s *mlx.Scope, m *Model, p cache.Pass) mlx.Array {
	in, next := passTokens(s)
	h := s.Reshape(m.Hidden(s, in, p), 26, -1)
	head := m.HeadParameters()
	c := losses.Chunked{
		Head: func(s *mlx.Scope, in []mlx.Array) (out mlx.Array) {
			head.With(in[1:], func() { out = m.Head(s, in[0]) })
			return out
		},
		Params: head.Arrays(), Rows: 7,
	}
	return c.Sum(s, h, s.Reshape(next, -1), s.Ones([]int{26}, mlx.Float32))
}

// gradients are a loss and its gradients by every parameter, by name.
func gradients(t *testing.T, th *mlx.Thread, m *Model, loss func(s *mlx.Scope) mlx.Array) map[string][]float32 {
	t.Helper()
	params := trained(m.Module())
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		value, grads := nn.ValueAndGrad(s, params, loss)
		return append([]mlx.Array{value}, grads...)
	})
	require.NoError(t, err)
	defer mlx.CloseAll(all...)
	out := map[string][]float32{}
	for i, name := range append([]string{"loss"}, params.Names()...) {
		out[name], err = mlx.Values[float32](th, all[i])
		require.NoError(t, err)
	}
	return out
}

// Logits by the chunk and blocks that run again give the loss and the gradients of
// whole logits and of blocks that keep everything, in every architecture.
func TestHiddenAndHeadApart(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(passConfigs)) {
		m, err := New(t.Context(), []byte(passConfigs[name]), WithTraining(), WithDtype(mlx.Float32))
		require.NoError(t, err, name)
		leaktest.Do(t, func(th *mlx.Thread) {
			want := gradients(t, th, m, func(s *mlx.Scope) mlx.Array {
				in, next := passTokens(s)
				return losses.CrossEntropy(s, m.Logits(s, in), next, losses.Sum)
			})
			require.Greater(t, len(want), 10)
			for _, recompute := range []bool{false, true} {
				have := gradients(t, th, m, func(s *mlx.Scope) mlx.Array {
					return chunkedLoss(s, m, cache.Pass{Recompute: recompute})
				})
				require.Len(t, have, len(want))
				for param, g := range want {
					requireClose(t, g, have[param], 2e-5, name+" "+param)
				}
			}
		})
		require.NoError(t, m.Close())
	}
}

// Sequences that are packed into a row do not see each other: their logits are those
// that they have alone, at every position, also where they end within a window.
func TestPackedRows(t *testing.T) {
	for _, name := range []string{"llama", "gemma2", "gemma3", "mixtral"} {
		m, err := New(t.Context(), []byte(passConfigs[name]), WithTraining(), WithDtype(mlx.Float32))
		require.NoError(t, err, name)
		leaktest.Do(t, func(th *mlx.Thread) {
			logits := func(ids, segments []int32) []float32 {
				out, err := th.Build(func(s *mlx.Scope) mlx.Array {
					p := cache.Pass{}
					if segments != nil {
						p.Segments = mlx.Const(s, segments, 1, len(ids))
					}
					return m.Head(s, m.Hidden(s, mlx.Const(s, ids, 1, len(ids)), p))
				})
				require.NoError(t, err)
				defer out.Close()
				v, err := mlx.Values[float32](th, out)
				require.NoError(t, err)
				return v
			}
			a, b := []int32{1, 2, 3, 4, 5, 6}, []int32{9, 8, 7, 9, 8}
			packed := logits(slices.Concat(a, b, []int32{0, 0}), []int32{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0, 0})
			requireClose(t, logits(a, nil), packed[:6*50], 1e-4, name)
			requireClose(t, logits(b, nil), packed[6*50:11*50], 1e-4, name)
			mixed := logits(slices.Concat(a, b), nil)
			require.NotEqual(t, packed[6*50:7*50], mixed[6*50:7*50], "without segments they see each other")
		})
		require.NoError(t, m.Close())
	}
}

// A recurrent layer cannot tell sequences apart, and says so.
func TestPackedRowsRefused(t *testing.T) {
	m, err := New(t.Context(), []byte(qwenNextConfig), WithTraining(), WithDtype(mlx.Float32))
	require.NoError(t, err)
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.Build(func(s *mlx.Scope) mlx.Array {
			return m.Hidden(s, s.Ones([]int{1, 4}, mlx.Int32), cache.Pass{Segments: s.Ones([]int{1, 4}, mlx.Int32)})
		})
		require.ErrorContains(t, err, "recurrent ones cannot tell sequences apart")
	})
	require.NoError(t, m.Close())
}
