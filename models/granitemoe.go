package models

// Granite 3 MoE: IBM, 2024, https://github.com/ibm-granite/granite-3.0-language-models.
// Reference: mlx_lm/models/granitemoe.py. A Granite whose MLPs are mixtures of
// experts.

import (
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GraniteMoEConfig is config.json of model_type "granitemoe".
type GraniteMoEConfig struct {
	GraniteConfig
	NumLocalExperts  int `json:"num_local_experts"`
	NumExpertsPerTok int `json:"num_experts_per_tok"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *GraniteMoEConfig) normalize() error {
	if err := checkExperts("num_local_experts", c.NumLocalExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return c.GraniteConfig.normalize()
}

type graniteMoE struct {
	Router  nn.Linear    `weight:"router.layer"`
	Experts nn.SwitchGLU `weight:"switch_mlp"`

	topK int
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *graniteMoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	gates := m.Router.Forward(s, x)      // [B, L, E]
	experts := nn.TopK(s, gates, m.topK) // [B, L, K]
	chosen := s.AsType(s.TakeAlongAxis(gates, experts, -1), mlx.Float32)
	weights := s.SoftmaxAxis(chosen, -1, false)                 // [B, L, K]
	return nn.Mix(s, m.Experts.Forward(s, x, experts), weights) // [B, L, D]
}

type graniteMoEBlock struct {
	SelfAttn               *llamaAttention `weight:"self_attn"`
	MoE                    *graniteMoE     `weight:"block_sparse_moe"`
	InputLayernorm         nn.RMSNorm      `weight:"input_layernorm"`
	PostAttentionLayernorm nn.RMSNorm      `weight:"post_attention_layernorm"`

	residual float64
}

func newGraniteMoEBlock(c *GraniteMoEConfig, layerType string) *graniteMoEBlock {
	return &graniteMoEBlock{
		SelfAttn: newGraniteAttention(&c.GraniteConfig, layerType),
		MoE: &graniteMoE{
			Router:  nn.Linear{In: c.HiddenSize, Out: c.NumLocalExperts, NoBias: true},
			Experts: nn.NewSwitchGLU(c.NumLocalExperts, c.HiddenSize, c.IntermediateSize),
			topK:    c.NumExpertsPerTok,
		},
		InputLayernorm:         nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		PostAttentionLayernorm: nn.RMSNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps},
		residual:               c.ResidualMultiplier,
	}
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *graniteMoEBlock) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x, y := h.Norm(s, &b.InputLayernorm)
	x, y = b.PostAttentionLayernorm.Add(s, x, factor(s, b.SelfAttn.Forward(s, y, kv), b.residual))
	return nn.Plus(x, factor(s, b.MoE.Forward(s, y), b.residual))
}

func newGraniteMoE(c *GraniteMoEConfig) architecture {
	m := newGraniteStem(&c.GraniteConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newGraniteMoEBlock(c, t))
	}
	m.stored = graniteExperts
	return m
}

// graniteExperts shows the experts of Hugging Face, gate above up, as layers.
func graniteExperts(w nn.Weights) nn.Weights {
	names := strings.NewReplacer(".input_linear.", ".switch_mlp.input_linear.", ".output_linear.", ".switch_mlp.down_proj.")
	w = nn.Rename(w, func(stored string) (string, bool) {
		if strings.Contains(stored, ".block_sparse_moe.") {
			return names.Replace(stored), true
		}
		return stored, true
	})
	return nn.Halve(w, "input_linear", "gate_proj", "up_proj")
}
