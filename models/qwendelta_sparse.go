package models

import (
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// qwenSparseConfig is what config.json says of layers of experts.
type qwenSparseConfig struct {
	NumExperts                   int   `json:"num_experts"`
	NumExpertsPerTok             int   `json:"num_experts_per_tok"`
	MoeIntermediateSize          int   `json:"moe_intermediate_size"`
	SharedExpertIntermediateSize int   `json:"shared_expert_intermediate_size"`
	NormTopkProb                 *bool `json:"norm_topk_prob"`
	DecoderSparseStep            int   `json:"decoder_sparse_step"`
	MLPOnlyLayers                []int `json:"mlp_only_layers"`
}

// normalize fills in transformers' defaults and refuses what cannot be a model.
func (c *qwenSparseConfig) normalize() error {
	if err := c.normalizeRouted(); err != nil {
		return err
	}
	return checkSizes(sizes{{"shared_expert_intermediate_size", c.SharedExpertIntermediateSize}})
}

// normalizeRouted is normalize of a model without shared experts.
func (c *qwenSparseConfig) normalizeRouted() error {
	c.DecoderSparseStep = orElse(c.DecoderSparseStep, 1)
	if err := checkExperts("num_experts", c.NumExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return checkSizes(sizes{{"moe_intermediate_size", c.MoeIntermediateSize}, {"decoder_sparse_step", c.DecoderSparseStep}})
}

// sparse tells the layers of experts.
func (c *qwenSparseConfig) sparse(layer int) bool {
	return (layer+1)%c.DecoderSparseStep == 0 && !slices.Contains(c.MLPOnlyLayers, layer)
}

type qwenDeltaExperts struct {
	Gate             nn.Linear    `weight:"gate"`
	SwitchMLP        nn.SwitchGLU `weight:"switch_mlp"`
	SharedExpert     *gatedMLP    `weight:"shared_expert"`
	SharedExpertGate nn.Linear    `weight:"shared_expert_gate"`

	chosen     int
	choose     nn.TopKFunc
	normalised bool
}

func newQwenDeltaExperts(c *qwenSparseConfig, dims int) *qwenDeltaExperts {
	return &qwenDeltaExperts{
		Gate:             nn.Linear{In: dims, Out: c.NumExperts, NoBias: true},
		SwitchMLP:        nn.NewSwitchGLU(c.NumExperts, dims, c.MoeIntermediateSize),
		SharedExpert:     newGatedMLP(dims, c.SharedExpertIntermediateSize, false, (*nn.Fused).SwiGLU),
		SharedExpertGate: nn.Linear{In: dims, Out: 1, NoBias: true},
		chosen:           c.NumExpertsPerTok,
		choose:           nn.TopK,
		normalised:       c.NormTopkProb == nil || *c.NormTopkProb,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (e *qwenDeltaExperts) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	chosen, scores := nn.Likeliest(s, e.Gate.Forward(s, x), e.chosen, e.choose, e.normalised) // [B, L, k] each
	y := nn.Mix(s, e.SwitchMLP.Forward(s, x, chosen), scores)                                 // [B, L, D]
	shared := s.Multiply(s.Sigmoid(e.SharedExpertGate.Forward(s, x)), e.SharedExpert.Forward(s, x))
	return s.Add(y, shared)
}
