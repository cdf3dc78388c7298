package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// fusion is the key of a function that is fused, with the numbers in it.
type fusion struct {
	name         string
	alpha, limit float64
}

// fused runs f as one kernel.
func fused(s *mlx.Scope, k fusion, f mlx.Func, args ...mlx.Array) mlx.Array {
	out := s.Fused(k, f, args...)
	if len(out) != 1 {
		return mlx.Array{} // an error went before
	}
	return out[0]
}

// gated runs f, a function of a gate and what passes it, as one kernel where there is
// one of ours for the activation, or the device makes one.
func gated(s *mlx.Scope, k fusion, activation string, f func(s *mlx.Scope, gate, up mlx.Array) mlx.Array, gate, up mlx.Array) mlx.Array {
	if sequenceKernels(s, gate, up) {
		return s.CPUGated(gate, up, activation, float32(k.alpha), float32(k.limit))
	}
	if !s.Fuses() {
		return f(s, gate, up)
	}
	return fused(s, k, func(s *mlx.Scope, in []mlx.Array) []mlx.Array { return []mlx.Array{f(s, in[0], in[1])} }, gate, up)
}

// gatedHalves is gated of a gate and what passes it side by side, [..., 2*n].
func gatedHalves(s *mlx.Scope, activation string, f func(s *mlx.Scope, gate, up mlx.Array) mlx.Array, both mlx.Array) mlx.Array {
	if stepKernels(s, both) {
		return s.CPUGated(both, mlx.Array{}, activation, 0, 0)
	}
	gate, up := Two(s.Split(both, 2, -1))
	return f(s, gate, up)
}

// gated runs f, a function without numbers, on the two layers of x, which are as wide.
func (f *Fused) gated(s *mlx.Scope, activation string, gate func(s *mlx.Scope, gate, up mlx.Array) mlx.Array, x mlx.Array) mlx.Array {
	if f.isJoined() && stepKernels(s, x) {
		return gatedHalves(s, activation, gate, f.side(s, x))
	}
	a, b := Two(f.Forward(s, x))
	return gate(s, a, b)
}

// SwiGLU is SwiGLU of the two layers of x [..., in], a gate and what passes it:
// [..., out].
func (f *Fused) SwiGLU(s *mlx.Scope, x mlx.Array) mlx.Array { return f.gated(s, "silu", SwiGLU, x) }

// GeGLU is GeGLU of the two layers of x [..., in], as SwiGLU is.
func (f *Fused) GeGLU(s *mlx.Scope, x mlx.Array) mlx.Array { return f.gated(s, "gelu_tanh", GeGLU, x) }

// SwiGLUHalves is SwiGLU of a gate and what passes it, side by side in x [..., 2*n].
func SwiGLUHalves(s *mlx.Scope, x mlx.Array) mlx.Array { return gatedHalves(s, "silu", SwiGLU, x) }

// SwiGLU is silu(gate) * up. Shazeer, 2020, https://arxiv.org/abs/2002.05202.
func SwiGLU(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
	return gated(s, fusion{name: "swiglu"}, "silu", swiglu, gate, up)
}

func swiglu(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
	return s.Multiply(s.Multiply(gate, s.Sigmoid(gate)), up)
}

// GeGLU is gelu(gate) * up, gelu by a tanh. Shazeer, 2020,
// https://arxiv.org/abs/2002.05202.
func GeGLU(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
	return gated(s, fusion{name: "geglu"}, "gelu_tanh", geglu, gate, up)
}

func geglu(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
	return s.Multiply(GELUApprox(s, gate), up)
}

// SwiGLUOAI is SwiGLU as gpt-oss has it: gate at most limit, up within it, the
// sigmoid of alpha*gate, and 1 added to up. OpenAI's alpha is 1.702, the limit 7.
// See swiglu_oai of mlx_lm/models/activations.py.
func SwiGLUOAI(s *mlx.Scope, gate, up mlx.Array, alpha, limit float64) mlx.Array {
	return gated(s, fusion{"swiglu_oai", alpha, limit}, "silu_oai", func(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
		gate = s.Minimum(gate, num(s, limit, gate))
		up = s.Clip(up, num(s, -limit, up), num(s, limit, up))
		return s.Multiply(plus(s, 1, up), s.Multiply(gate, s.Sigmoid(times(s, alpha, gate))))
	}, gate, up)
}

// Softcap bounds x: cap*tanh(x/cap). It is x where cap is 0.
func Softcap(s *mlx.Scope, x mlx.Array, cap float32) mlx.Array {
	if cap == 0 {
		return x
	}
	return fused(s, fusion{name: "softcap", limit: float64(cap)}, func(s *mlx.Scope, in []mlx.Array) []mlx.Array {
		limit := num(s, float64(cap), in[0])
		return []mlx.Array{s.Multiply(s.Tanh(s.Divide(in[0], limit)), limit)}
	}, x)
}
