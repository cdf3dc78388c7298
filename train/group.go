package train

import (
	"cmp"
	"context"
	"fmt"

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

// first reports whether this process is the one that writes.
func (c *config) first() bool { return c.group == nil || c.group.Rank() == 0 }

func (p *step) alone() bool { return p.group == nil || p.group.Size() == 1 }

// wishes is how many processes want to end, for all to hear; nothing where there is
// one. One that just ended would leave the others waiting.
func (p *step) wishes(s *mlx.Scope, leave bool) []mlx.Array {
	if p.alone() {
		return nil
	}
	n := 0.0
	if leave {
		n = 1
	}
	return []mlx.Array{s.AllSum(s.Scalar(n, mlx.Float32), p.group)}
}

// ended is why a run ends before its last iteration; nil goes on.
func (r *Run) ended(ctx context.Context) error {
	if r.step.alone() {
		return ctx.Err()
	}
	if !r.leaving {
		return nil
	}
	return cmp.Or(ctx.Err(), fmt.Errorf("a process of the group was interrupted: %w", context.Canceled))
}
