package models

// Qwen3-MoE: Qwen Team, 2025, https://arxiv.org/abs/2505.09388. Reference:
// mlx_lm/models/qwen3_moe.py. A Qwen3 most of whose MLPs are mixtures of experts.

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Qwen3MoEConfig is config.json of model_type "qwen3_moe".
type Qwen3MoEConfig struct {
	Qwen3Config
	qwenSparseConfig
	NumLocalExperts int `json:"num_local_experts"` // a newer name of num_experts
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *Qwen3MoEConfig) normalize() error {
	c.NumExperts = orElse(c.NumExperts, c.NumLocalExperts)
	if err := c.normalizeRouted(); err != nil {
		return err
	}
	return c.Qwen3Config.normalize()
}

type qwen3MoE struct {
	Gate    nn.Linear    `weight:"gate"`
	Experts nn.SwitchGLU `weight:"switch_mlp"`

	topK      int
	choose    nn.TopKFunc
	normalise bool
}

func newQwen3MoELayer(c *qwenSparseConfig, dims int) *qwen3MoE {
	return &qwen3MoE{
		Gate:      nn.Linear{In: dims, Out: c.NumExperts, NoBias: true},
		Experts:   nn.NewSwitchGLU(c.NumExperts, dims, c.MoeIntermediateSize),
		topK:      c.NumExpertsPerTok,
		choose:    nn.TopK,
		normalise: valueOr(c.NormTopkProb, false),
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *qwen3MoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	experts, weights := nn.Likeliest(s, m.Gate.Forward(s, x), m.topK, m.choose, m.normalise) // [B, L, K] each
	return nn.Mix(s, m.Experts.Forward(s, x, experts), weights)                              // [B, L, D]
}

func newQwen3MoE(c *Qwen3MoEConfig) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for i, t := range c.LayerTypes {
		var mlp mlpLayer = newLlamaMLP(&c.LlamaConfig)
		if c.sparse(i) {
			mlp = newQwen3MoELayer(&c.qwenSparseConfig, c.HiddenSize)
		}
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newQwen3Attention(&c.LlamaConfig, t), mlp))
	}
	m.stored = func(w nn.Weights) nn.Weights { return nn.StackExperts(w, c.NumExperts) }
	return m
}
