package cache

import (
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// widest is the most features of a head that our own kernel knows.
const widest = 512

// kernel is attention by our own kernel for a CPU, where it serves: over the first
// keys of the buffers, of which the queries are the last.
func (o operand) kernel(s *mlx.Scope, q mlx.Array, values operand, a Attention, b band) (y mlx.Array, ok bool) {
	if !s.CPUStepKernels() || a.Latent != nil || a.seen != nil || o.bits != 0 && o.bits != 8 || !o.fits(s, q, values) {
		return y, false
	}
	window, hidden := b.forKernel(s)
	n, group := o.form.parts(), o.group
	if o.bits == 0 {
		group = 0
	}
	return s.CPUAttention(q, o.parts[:n], values.parts[:n], b.keys, window, a.Scale, a.Softcap, a.sinks(s), hidden, group), true
}

// forKernel is what our own kernel has to know of a band, beside how many keys there are.
func (b band) forKernel(s *mlx.Scope) (window int, hidden mlx.Array) {
	switch {
	case b.hidden != "":
		return 0, bandOf(s, b)
	case b.turn > 0 || b.keys <= b.window: // one query of a ring, which sees all of it
		return 0, hidden
	}
	return b.window, hidden
}

// sinks are those that our own kernel knows.
func (a *Attention) sinks(s *mlx.Scope) mlx.Array {
	if a.Sinks.IsNull() {
		return a.Sinks
	}
	return s.AsType(a.Sinks, mlx.Float32)
}

// fits reports whether the kernel knows the shapes and dtypes. MLX says what is wrong with
// others.
func (o operand) fits(s *mlx.Scope, q mlx.Array, values operand) bool {
	numbers := 0
	if o.bits != 0 {
		numbers = 1 // packed words have scales
	}
	shape, keys, sums := s.Shape(q), s.Shape(o.parts[0]), s.Shape(values.parts[0])
	if len(shape) != 4 || len(keys) != 4 || len(sums) != 4 || !s.HasCPUKernels(q) || !s.HasCPUKernels(o.parts[numbers], values.parts[numbers]) {
		return false
	}
	for _, st := range [][]int{keys, sums} {
		if o.bits != 0 {
			st[3] *= 32 / o.bits
		}
		if st[3] > widest || st[0] != shape[0] || st[1] == 0 || shape[1]%st[1] != 0 {
			return false
		}
	}
	return keys[3] == shape[3] && slices.Equal(keys[:3], sums[:3]) && shape[2] > 0 && shape[2] <= keys[2]
}
