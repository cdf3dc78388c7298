package train

import (
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// everywhere adds up the gradients of all processes, and their tokens, in one message:
// many small ones take longer.
func (p *step) everywhere(s *mlx.Scope, grads []mlx.Array, total mlx.Array) ([]mlx.Array, mlx.Array) {
	if p.alone() || s.Err() != nil {
		return grads, total
	}
	flat := []mlx.Array{s.Reshape(total, 1)}
	var ends []int
	end := 1
	for _, g := range grads {
		ends = append(ends, end)
		flat = append(flat, s.Flatten(s.AsType(g, mlx.Float32), 0, -1))
		size := 1
		for _, n := range s.Shape(g) {
			size *= n
		}
		end += size
	}
	parts := s.SplitSections(s.AllSum(s.ConcatenateAxis(flat, 0), p.group), ends, 0)
	if s.Err() != nil {
		return nil, mlx.Array{}
	}
	out := make([]mlx.Array, len(grads))
	for i, g := range grads {
		out[i] = s.Reshape(parts[1+i], s.Shape(g)...)
	}
	return out, s.SqueezeAxis(parts[0], 0)
}

// shared is the sum of x over the processes.
func (p *step) shared(s *mlx.Scope, x mlx.Array) mlx.Array {
	if p.alone() {
		return x
	}
	return s.AllSum(x, p.group)
}

func (p *step) alone() bool { return p.group == nil || p.group.Size() == 1 }
