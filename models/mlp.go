package models

import (
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// gateFunc is (*nn.Fused).SwiGLU or (*nn.Fused).GeGLU.
type gateFunc func(gateUp *nn.Fused, s *mlx.Scope, x mlx.Array) mlx.Array

// gatedMLP is the feed-forward half of most blocks, with gate and up stored apart.
type gatedMLP struct {
	GateUp nn.Fused  `weight:"gate_proj,up_proj"`
	Down   nn.Linear `weight:"down_proj"`

	gated gateFunc
}

func newGatedMLP(d, hidden int, bias bool, gated gateFunc) *gatedMLP {
	return &gatedMLP{
		GateUp: nn.Fused{In: d, Outs: []int{hidden, hidden}, NoBias: !bias},
		Down:   nn.Linear{In: hidden, Out: d, NoBias: !bias},
		gated:  gated,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *gatedMLP) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return m.Down.Forward(s, m.gated(&m.GateUp, s, x)) // of [B, L, I]
}

// joinedMLP is one whose gate and up are stored as one weight, without biases.
type joinedMLP struct {
	GateUp nn.Linear `weight:"gate_up_proj"`
	Down   nn.Linear `weight:"down_proj"`
}

func newJoinedMLP(d, hidden int) *joinedMLP {
	return &joinedMLP{
		GateUp: nn.Linear{In: d, Out: 2 * hidden, NoBias: true},
		Down:   nn.Linear{In: hidden, Out: d, NoBias: true},
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *joinedMLP) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return m.Down.Forward(s, nn.SwiGLUHalves(s, m.GateUp.Forward(s, x))) // of [B, L, I]
}
