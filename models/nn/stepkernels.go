package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// stepKernels reports whether our own kernels for a CPU take the arrays of a decoding
// step: x [B, D] or heads [B, H, 1, d].
func stepKernels(s *mlx.Scope, arrays ...mlx.Array) bool {
	if !sequenceKernels(s, arrays...) {
		return false
	}
	shape := s.Shape(arrays[0])
	return len(shape) == 2 || len(shape) == 4 && shape[2] == 1
}

// sequenceKernels reports the same of arrays of any shape, for kernels that have the
// numbers of MLX's operations.
func sequenceKernels(s *mlx.Scope, arrays ...mlx.Array) bool {
	return s.CPUStepKernels() && s.HasCPUKernels(arrays...)
}
