package runtime

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// CheckLaunch does what Apply does up to the kernel itself, which needs a GPU.
func CheckLaunch(s *Scope, k MetalKernel, inputs []Array, l Launch) {
	r := run{"metal_kernel", k.Name, k.Inputs, k.Outputs, inputs, l}
	launch(s, r, bindings.NewMetalKernelConfig, func(bindings.MetalKernelConfig) ([]Array, error) {
		return nil, errors.New("it was launched")
	})
}

// FuseEverywhere makes Fused compile on this thread whatever the device, until the
// test's end.
func (t *Thread) FuseEverywhere() (undo func()) {
	before := t.e.fuses
	t.e.fuses = true
	return func() { t.e.fuses = before }
}
