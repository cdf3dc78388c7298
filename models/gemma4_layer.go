package models

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type gemma4Layer struct {
	SelfAttn                 gemma4Attender `weight:"self_attn"`
	FeedForward              mlpLayer       `weight:""`
	Gate                     *gemma4Gate    `weight:""` // nil without embeddings of its own
	InputLayernorm           nn.RMSNorm     `weight:"input_layernorm"`
	PostAttentionLayernorm   nn.RMSNorm     `weight:"post_attention_layernorm"`
	PostFeedforwardLayernorm nn.RMSNorm     `weight:"post_feedforward_layernorm"`
	LayerScalar              nn.Param       `weight:"layer_scalar"` // [1]
}

// Forward maps x [B, L, D] to [B, L, D]; own is the layer's part of the tokens'
// embeddings, [B, L, P] or null.
func (l *gemma4Layer) Forward(s *mlx.Scope, x, own mlx.Array, kv cache.KV, seen *cache.Seen) mlx.Array {
	r := l.SelfAttn.Forward(s, l.InputLayernorm.Forward(s, x), kv, seen)
	h := nn.AddClipped(s, x, l.PostAttentionLayernorm.Forward(s, r))
	r = l.FeedForward.Forward(s, h)
	h = nn.AddClipped(s, h, l.PostFeedforwardLayernorm.Forward(s, r))
	if l.Gate != nil {
		h = nn.AddClipped(s, h, l.Gate.Forward(s, h, own))
	}
	return s.Multiply(h, l.LayerScalar.Array())
}

func newGemma4Layer(c *Gemma4TextConfig, i int) *gemma4Layer {
	l := &gemma4Layer{
		SelfAttn:                 newGemma4Attention(c, i),
		FeedForward:              newGemma4FeedForward(c, i),
		InputLayernorm:           c.norm(),
		PostAttentionLayernorm:   c.norm(),
		PostFeedforwardLayernorm: c.norm(),
		LayerScalar:              nn.Param{Shape: []int{1}, Init: initializer.Ones()},
	}
	if p := c.perLayer(); p != 0 {
		l.Gate = &gemma4Gate{
			Gate: nn.Linear{In: c.HiddenSize, Out: p, NoBias: true},
			Up:   nn.Linear{In: p, Out: c.HiddenSize, NoBias: true},
			Norm: c.norm(),
		}
	}
	return l
}

// gemma4Gate lets a layer's own embedding through.
type gemma4Gate struct {
	Gate nn.Linear  `weight:"per_layer_input_gate"`
	Up   nn.Linear  `weight:"per_layer_projection"`
	Norm nn.RMSNorm `weight:"post_per_layer_input_norm"`
}

// Forward maps x [B, L, D] and own [B, L, P] to [B, L, D].
func (g *gemma4Gate) Forward(s *mlx.Scope, x, own mlx.Array) mlx.Array {
	gated := nn.GeGLU(s, g.Gate.Forward(s, x), own) // [B, L, P]
	return g.Norm.Forward(s, g.Up.Forward(s, gated))
}

// gemma4Dense is an MLP and the norm before it.
type gemma4Dense struct {
	MLP  *gatedMLP  `weight:"mlp"`
	Norm nn.RMSNorm `weight:"pre_feedforward_layernorm"`
}

// Forward maps x [B, L, D] to [B, L, D].
func (d *gemma4Dense) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return d.MLP.Forward(s, d.Norm.Forward(s, x))
}

func newGemma4FeedForward(c *Gemma4TextConfig, i int) mlpLayer {
	dense := gemma4Dense{MLP: newGatedMLP(c.HiddenSize, c.mlpSize(i), false, (*nn.Fused).GeGLU), Norm: c.norm()}
	if c.EnableMoEBlock {
		return newGemma4MoE(c, dense)
	}
	return &dense
}
