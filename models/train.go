package models

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/cache"
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

// Hidden maps whole sequences of tokens [B, L] to what the output layer reads,
// [B, L, D]: Logits is Head of it. The pass says how; the zero Pass is that of
// Logits.
func (m *Model) Hidden(s *mlx.Scope, tokens mlx.Array, pass cache.Pass) mlx.Array {
	if m.closed.Load() {
		s.Fail(ErrClosed)
		return mlx.Array{}
	}
	return m.arch.Hidden(s, tokens, m.uncached.In(pass))
}

// Head maps rows of Hidden, [..., D], to logits [..., V]. Each row is by itself:
// they can be taken a few at a time.
func (m *Model) Head(s *mlx.Scope, h mlx.Array) mlx.Array { return m.arch.Head(s, h) }

// HeadParameters lists the trained parameters that Head computes with: of a tied
// model those of the embedding. Their names are those within the layer.
func (m *Model) HeadParameters() nn.Tree { return nn.Trainable(m.arch.headLayer()) }

// Size is how many weights the model has, those of adapters left out: what
// Info.Parameters is of its configuration.
func (m *Model) Size() int64 { return m.size }

// sizeOf counts the weights of a model that was not loaded yet.
func sizeOf(arch architecture) (n int64, err error) {
	shapes, err := nn.Shapes(arch)
	for _, sh := range shapes {
		n += sh.Size()
	}
	return n, err
}

// prepare makes what Logits runs with, and asks the graph of a step for the size of
// the vocabulary. Nothing is computed.
func (m *Model) prepare(t *mlx.Thread) (err error) {
	kv := m.arch.NewCache(t)
	defer func() { err = errors.Join(err, kv.Close()) }()
	m.uncached = kv.Uncached()
	logits, err := t.Build(func(s *mlx.Scope) mlx.Array {
		out := m.arch.Forward(s, s.Zeros([]int{1}, mlx.Int32), m.uncached) // [1, V]
		m.vocab = s.Dim(out, -1)
		return out
	})
	if err != nil {
		return err
	}
	return logits.Close()
}

// VocabSize is the number of logits of a token: ids are below it.
func (m *Model) VocabSize() int { return m.vocab }

// checkTokens refuses ids that the embedding does not have: MLX would read
// whatever lies behind it.
func (m *Model) checkTokens(ids []int32) error {
	for i, id := range ids {
		if id < 0 || int(id) >= m.vocab {
			return fmt.Errorf("models: token %d of the prompt, %d, is not in the vocabulary of %d", i+1, id, m.vocab)
		}
	}
	return nil
}
