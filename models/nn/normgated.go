package nn

import (
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// RMSNormGated is an RMSNorm that is gated by silu(gate), which is computed in
// float32. As mlx_lm.models.qwen3_next.Qwen3NextRMSNormGated.
type RMSNormGated struct {
	Dims int
	Eps  float32 // 0 is 1e-5

	weight Param // [D]
}

// Forward keeps the shape and the dtype of x [..., D]; gate is of that shape.
func (n *RMSNormGated) Forward(s *mlx.Scope, x, gate mlx.Array) mlx.Array {
	y := s.AsType(s.RMSNorm(x, n.weight.Array(), epsilon(n.Eps)), mlx.Float32)
	return s.AsType(s.Multiply(SiLU(s, s.AsType(gate, mlx.Float32)), y), s.DtypeOf(x))
}

func (n *RMSNormGated) params(names []string) []spec {
	return []spec{{name: join(names[0], "weight"), param: &n.weight, shape: []int{n.Dims}, init: initializer.Ones()}}
}
