package runtime

import (
	"errors"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Fused runs f, a function of elementwise operations, as one kernel where the
// device makes one, which is on a GPU; elsewhere, and inside of a transformation, as
// it stands. The key names f and the numbers in it; it must be comparable and, as for
// context values, of the caller's own type. What f captures is a constant of the
// kernel, and every Scope of the Worker uses it again.
func (s *Scope) Fused(key any, f Func, args ...Array) []Array {
	if s.err != nil {
		return nil
	}
	if !s.Fuses() {
		return f(s, args)
	}
	c, err := s.e.kernel(key, f)
	if err != nil {
		s.failOp("compile", err)
		return nil
	}
	return c.Apply(s, args)
}

// Fuses reports whether Fused makes a kernel here.
func (s *Scope) Fuses() bool { return s.e.fuses && s.depth == 0 && s.stream == s.e.stream }

// kernels are the functions that a Worker keeps compiled for Fused.
type kernels struct {
	fuses bool // the device makes kernels of them
	byKey map[any]*Compiled
}

// keptKernels counts the handles of all Workers' kernels, which Live leaves out.
var keptKernels atomic.Int64

// kernel compiles f, once for each key.
func (e *engine) kernel(key any, f Func) (*Compiled, error) {
	if c, ok := e.byKey[key]; ok {
		return c, nil
	}
	c := &Compiled{e: e, f: f, shapeless: true}
	if err := c.open(); err != nil {
		return nil, err
	}
	if e.byKey == nil {
		e.byKey = map[any]*Compiled{}
	}
	e.byKey[key] = c
	keptKernels.Add(1)
	return c, nil
}

// closeKernels frees them at the end of the thread.
func (e *engine) closeKernels() error {
	var errs []error
	for _, c := range e.byKey {
		errs = append(errs, c.close())
		keptKernels.Add(-1)
	}
	e.byKey = nil
	return errors.Join(errs...)
}

// liveHandles are the open handles but for those of kernels.
func liveHandles() map[string]int {
	live := bindings.Live()
	if live["Closure"] -= int(keptKernels.Load()); live["Closure"] <= 0 {
		delete(live, "Closure")
	}
	return live
}
