package models

// Mixtral: Jiang et al., 2024, https://arxiv.org/abs/2401.04088. Reference:
// mlx_lm/models/mixtral.py; for sliding_window, which it leaves alone,
// transformers' modeling_mixtral.py. A Llama whose MLP is a mixture of experts.

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// MixtralConfig is config.json of model_type "mixtral".
type MixtralConfig struct {
	LlamaConfig
	NumLocalExperts  int `json:"num_local_experts"`
	NumExpertsPerTok int `json:"num_experts_per_tok"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *MixtralConfig) normalize() error {
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-5)
	c.RopeTheta = orElse(c.RopeTheta, 1e6)
	c.slideAll()
	if err := checkExperts("num_local_experts", c.NumLocalExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return c.LlamaConfig.normalize()
}

type mixtralMoE struct {
	Gate    nn.Linear    `weight:"gate"`
	Experts nn.SwitchGLU `weight:"switch_mlp"`

	topK int
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *mixtralMoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	gates := m.Gate.Forward(s, x)                                           // [B, L, E]
	experts := nn.TopKNegated(s, gates, m.topK)                             // [B, L, K]
	weights := s.SoftmaxAxis(s.TakeAlongAxis(gates, experts, -1), -1, true) // [B, L, K]
	return nn.Mix(s, m.Experts.Forward(s, x, experts), weights)             // [B, L, D]
}

type mixtralBlock struct {
	SelfAttn               *llamaAttention `weight:"self_attn"`
	MoE                    *mixtralMoE     `weight:"block_sparse_moe"`
	InputLayernorm         nn.RMSNorm      `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm      `weight:"post_attention_layernorm"`
}

func newMixtralBlock(c *MixtralConfig, layerType string) *mixtralBlock {
	return &mixtralBlock{
		SelfAttn: newLlamaAttention(&c.LlamaConfig, layerType),
		MoE: &mixtralMoE{
			Gate:    nn.Linear{In: c.HiddenSize, Out: c.NumLocalExperts, NoBias: true},
			Experts: nn.NewSwitchGLU(c.NumLocalExperts, c.HiddenSize, c.IntermediateSize),
			topK:    c.NumExpertsPerTok,
		},
		InputLayernorm:         nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		PostAttentionLayernorm: nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
	}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *mixtralBlock) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	x, y = b.PostAttentionLayernorm.Add(s, x, b.SelfAttn.Forward(s, y, kv))
	return nn.Plus(x, b.MoE.Forward(s, y))
}

func newMixtral(c *MixtralConfig) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newMixtralBlock(c, t))
	}
	m.stored = func(w nn.Weights) nn.Weights { return nn.StackExpertsAs(w, c.NumLocalExperts, mixtralNames()) }
	return m
}

// mixtralNames are what Hugging Face's checkpoints call an expert's projections.
func mixtralNames() map[string]string {
	return map[string]string{"w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}
}
