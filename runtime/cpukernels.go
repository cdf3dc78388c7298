package runtime

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// ErrNoKernels is wrapped by the errors of the Scope's CPU operations where our own
// kernels for a CPU are not loaded.
var ErrNoKernels = bindings.ErrNoKernels

// CPUKernels reports whether the Scope's CPU operations, those of our own kernels,
// work here: its device is a CPU and the library is loaded. They have derivatives;
// but a function that is exported must use MLX's operations, which is all that a
// reader of the file knows.
func (s *Scope) CPUKernels() bool {
	return s.e.cpuKernels && !s.e.exporting && s.Device().Type == CPU
}

// CPUStepKernels reports whether those of them work that have no derivative: inside
// of a transformed function they do not.
func (s *Scope) CPUStepKernels() bool { return s.e.depth == 0 && s.CPUKernels() }

// HasCPUKernels reports whether arrays are of one dtype that the kernels of a step take:
// float32, bfloat16 or float16.
func (s *Scope) HasCPUKernels(arrays ...Array) bool {
	var first Dtype
	for i, a := range arrays {
		switch d := s.DtypeOf(a); {
		case i > 0 && d != first:
			return false
		case d != Float32 && d != BFloat16 && d != Float16:
			return false
		default:
			first = d
		}
	}
	return s.err == nil
}

// CPUKernels reports whether the thread computes on a CPU and has our own kernels
// for it.
func (t *Thread) CPUKernels() bool {
	return t != nil && t.e != nil && t.e.computesOnCPU()
}

// ExactCPUKernels reports whether GO_MLX_CPU_KERNELS=exact asks that products with
// packed weights do not round their rows to 16 bits.
func ExactCPUKernels() bool { return bindings.ExactKernels() }

// KernelInfo tells which instruction set our own kernels for a CPU run with, and on
// how many threads.
func KernelInfo() (isa string, threads int, err error) {
	isa, err = bindings.CPUISA()
	n, err2 := bindings.CPUThreads()
	return isa, int(n), errors.Join(err, err2)
}
