package models

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Parameters lists the model's weights by the names of its checkpoint:
// "model.layers.0.self_attn.q_proj.weight". Their values are there when the model
// was loaded WithTraining; nn.Freeze and nn.Trainable choose among them.
func (m *Model) Parameters() nn.Tree { return nn.Parameters(m.arch) }

// Module is the model as a struct of layers, for the functions of nn that take
// one: Trainable, Freeze, Quantize, Save.
func (m *Model) Module() any { return m.arch }

// Logits maps whole sequences of tokens [B, L] to logits [B, L, V], without a
// cache: for training and for scoring, on the model's thread.
func (m *Model) Logits(s *mlx.Scope, tokens mlx.Array) mlx.Array {
	return m.Forward(s, tokens, m.uncached)
}

// prepareLogits makes what Logits runs with.
func (m *Model) prepareLogits(t *mlx.Thread) error {
	kv := m.arch.NewCache(t)
	m.uncached = kv.Uncached()
	return kv.Close()
}
