package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// evaluate computes arrays, or starts to where async. On a CPU our own kernels have
// the thread's help while it waits.
func (e *engine) evaluate(arrays []Array, async bool) error {
	switch {
	case e.computesOnCPU():
		return bindings.CPUEval(arrays, async)
	case async:
		return bindings.AsyncEval(arrays)
	}
	return bindings.Eval(arrays)
}

// wait computes an array, unless somebody has begun to, and waits for it.
func (e *engine) wait(a Array) error {
	if e.computesOnCPU() {
		return bindings.CPUWait(a)
	}
	return a.Eval()
}

// computesOnCPU reports whether the thread's device is a CPU for which our own
// kernels are loaded.
func (e *engine) computesOnCPU() bool { return e.cpuKernels && e.main.device.Type == CPU }
