package models

import (
	"math"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// gemma4MoE is a mixture of experts beside the dense MLP.
type gemma4MoE struct {
	Dense     gemma4Dense  `weight:""`
	DenseNorm nn.RMSNorm   `weight:"post_feedforward_layernorm_1"`
	Router    gemma4Router `weight:"router"`
	Experts   nn.SwitchGLU `weight:"experts.switch_glu"`
	PreNorm   nn.RMSNorm   `weight:"pre_feedforward_layernorm_2"`
	PostNorm  nn.RMSNorm   `weight:"post_feedforward_layernorm_2"`
}

func newGemma4MoE(c *Gemma4TextConfig, dense gemma4Dense) *gemma4MoE {
	m := &gemma4MoE{
		Dense:     dense,
		DenseNorm: c.norm(),
		Router:    newGemma4Router(c),
		Experts:   nn.NewSwitchGLU(c.NumExperts, c.HiddenSize, c.MoEIntermediateSize),
		PreNorm:   c.norm(),
		PostNorm:  c.norm(),
	}
	m.Experts.Activation = nn.GeGLU
	return m
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *gemma4MoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	dense := m.DenseNorm.Forward(s, m.Dense.Forward(s, x))
	indices, weights := m.Router.Forward(s, x)                        // [B, L, k] each
	y := m.Experts.Forward(s, m.PreNorm.Forward(s, x), indices)       // [B, L, k, D]
	return s.Add(dense, m.PostNorm.Forward(s, nn.Mix(s, y, weights))) // [B, L, D]
}

// gemma4Router chooses experts.
type gemma4Router struct {
	Proj           nn.Linear `weight:"proj"`
	Scale          nn.Param  `weight:"scale"`            // [D]
	PerExpertScale nn.Param  `weight:"per_expert_scale"` // [E]

	root float64
	eps  float32
	k    int
}

func newGemma4Router(c *Gemma4TextConfig) gemma4Router {
	return gemma4Router{
		Proj:           nn.Linear{In: c.HiddenSize, Out: c.NumExperts, NoBias: true},
		Scale:          nn.Param{Shape: []int{c.HiddenSize}, Init: initializer.Ones()},
		PerExpertScale: nn.Param{Shape: []int{c.NumExperts}, Init: initializer.Ones()},
		root:           math.Pow(float64(c.HiddenSize), -0.5), eps: c.RMSNormEps, k: c.TopKExperts,
	}
}

// Forward maps x [B, L, D] to the experts of each token and their weights,
// [B, L, k].
func (r *gemma4Router) Forward(s *mlx.Scope, x mlx.Array) (indices, weights mlx.Array) {
	x = s.RMSNorm(x, nn.Times(s, r.root, r.Scale.Array()), r.eps)
	scores := r.Proj.Forward(s, x) // [B, L, E]
	indices = nn.TopK(s, scores, r.k)
	weights = s.SoftmaxAxis(s.TakeAlongAxis(scores, indices, -1), -1, false)
	return indices, s.Multiply(weights, s.Take(r.PerExpertScale.Array(), indices))
}

// expertTensor is the name that a tensor of the experts, which Hugging Face stores
// together, has in MLX's checkpoints, which have them as the layers of glu.
func expertTensor(stored, glu string) string {
	layer, name, _ := strings.Cut(stored, ".experts.")
	if name == "gate_up_proj" || name == "down_proj" {
		return layer + "." + glu + "." + name + ".weight"
	}
	return stored
}
