package models

// What architectures share beside nn's layers.

import (
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// block maps a hidden state [B, L, D] to the next.
type block interface {
	Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual
}

// attentionLayer maps x [B, L, D] to [B, L, D].
type attentionLayer interface {
	Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array
}

// mlpLayer maps x [B, L, D] to [B, L, D].
type mlpLayer interface {
	Forward(s *mlx.Scope, x mlx.Array) mlx.Array
}

// newHead is the output layer of a model that does not use its embedding as one.
func newHead(e *nn.Embedding) *nn.Linear {
	return &nn.Linear{In: e.Dims, Out: e.Vocab, NoBias: true}
}

// sanitizeHead hides the output layer of a checkpoint whose embedding is it, and
// makes one where the configuration leaves open whether it is and the checkpoint
// has one.
func sanitizeHead(w nn.Weights, tied *bool, head **nn.Linear, e *nn.Embedding) nn.Weights {
	if tied == nil && slices.Contains(w.Names(), "lm_head.weight") {
		*head = newHead(e)
	}
	if *head != nil {
		return w
	}
	return nn.Rename(w, func(stored string) (string, bool) { return stored, !strings.HasPrefix(stored, "lm_head.") })
}
