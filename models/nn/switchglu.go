package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// SwitchGLU is a gated MLP for each of several experts, of which a token goes
// through a few. The zero Activation is SwiGLU.
type SwitchGLU struct {
	GateUp     SwitchFused  `weight:"gate_proj,up_proj"`
	Down       SwitchLinear `weight:"down_proj"`
	Activation func(s *mlx.Scope, gate, up mlx.Array) mlx.Array
}

// NewSwitchGLU makes one of SwiGLU for tokens that are dims wide, hidden within.
func NewSwitchGLU(experts, dims, hidden int) SwitchGLU {
	return SwitchGLU{
		GateUp: SwitchFused{Experts: experts, In: dims, Outs: []int{hidden, hidden}, NoBias: true},
		Down:   SwitchLinear{Experts: experts, In: hidden, Out: dims, NoBias: true},
	}
}

// Forward maps x [..., D] and the indices [..., k] of each token's experts to what
// every one of them makes of it, [..., k, D].
func (g *SwitchGLU) Forward(s *mlx.Scope, x, indices mlx.Array) mlx.Array {
	activation := g.Activation
	if activation == nil {
		activation = SwiGLU
	}
	r := Route(s, indices)
	gate, up := Two(g.GateUp.Forward(s, r.Send(s, x), r)) // [..., 1, I] each
	return r.Collect(s, g.Down.Forward(s, activation(s, gate, up), r))
}
