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
	c.DecoderSparseStep = orElse(c.DecoderSparseStep, 1)
	err := checkSizes(sizes{
		{"num_experts", c.NumExperts}, {"num_experts_per_tok", c.NumExpertsPerTok}, {"moe_intermediate_size", c.MoeIntermediateSize},
		{"shared_expert_intermediate_size", c.SharedExpertIntermediateSize}, {"decoder_sparse_step", c.DecoderSparseStep},
	})
	if err == nil && c.NumExpertsPerTok > c.NumExperts {
		err = fieldError("num_experts_per_tok", "%d of num_experts %d", c.NumExpertsPerTok, c.NumExperts)
	}
	return err
}

// sparse tells the layers of experts.
func (c *qwenSparseConfig) sparse(layer int) bool {
	return (layer+1)%c.DecoderSparseStep == 0 && !slices.Contains(c.MLPOnlyLayers, layer)
}

type qwenDeltaExperts struct {
	Gate             nn.Linear     `weight:"gate"`
	SwitchMLP        nn.SwitchGLU  `weight:"switch_mlp"`
	SharedExpert     *qwenDeltaMLP `weight:"shared_expert"`
	SharedExpertGate nn.Linear     `weight:"shared_expert_gate"`

	chosen     int
	normalised bool
}

func newQwenDeltaExperts(c *qwenSparseConfig, dims int) *qwenDeltaExperts {
	return &qwenDeltaExperts{
		Gate:             nn.Linear{In: dims, Out: c.NumExperts, NoBias: true},
		SwitchMLP:        nn.NewSwitchGLU(c.NumExperts, dims, c.MoeIntermediateSize),
		SharedExpert:     newQwenDeltaMLP(dims, c.SharedExpertIntermediateSize),
		SharedExpertGate: nn.Linear{In: dims, Out: 1, NoBias: true},
		chosen:           c.NumExpertsPerTok,
		normalised:       c.NormTopkProb == nil || *c.NormTopkProb,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (e *qwenDeltaExperts) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	likely := s.SoftmaxAxis(e.Gate.Forward(s, x), -1, true) // [B, L, E]
	chosen := nn.TopK(s, likely, e.chosen)                  // [B, L, k]
	scores := s.TakeAlongAxis(likely, chosen, -1)
	if e.normalised {
		scores = s.Divide(scores, s.SumAxis(scores, -1, true))
	}
	y := nn.Mix(s, e.SwitchMLP.Forward(s, x, chosen), scores) // [B, L, D]
	shared := s.Multiply(s.Sigmoid(e.SharedExpertGate.Forward(s, x)), e.SharedExpert.Forward(s, x))
	return s.Add(y, shared)
}
