package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestHeadsEqualReference(t *testing.T) {
	withReference(t, func(r *reference) {
		for _, x := range acts {
			r.requireOutput("split."+x, x, func(s *mlx.Scope, x mlx.Array) mlx.Array { return nn.SplitHeads(s, x, 4, 16) })
		}
		for _, x := range []string{"heads", "row"} {
			r.requireOutput("merge."+x, x, nn.MergeHeads)
		}
	})
}

// Merging undoes splitting, for a prompt and for a step.
func TestMergeUndoesSplit(t *testing.T) {
	withReference(t, func(r *reference) {
		for _, x := range acts {
			r.arrays["out.same."+x] = r.arrays["in."+x]
			r.requireOutput("same."+x, x, func(s *mlx.Scope, x mlx.Array) mlx.Array {
				return nn.MergeHeads(s, nn.SplitHeads(s, x, 8, 8))
			})
		}
	})
}

func TestSwiGLUEqualsReference(t *testing.T) {
	withReference(t, func(r *reference) {
		for _, x := range acts {
			r.requireOutput("swiglu."+x, x, func(s *mlx.Scope, x mlx.Array) mlx.Array {
				three := s.Scalar(3, mlx.Float32)
				backwards := s.TakeAxis(x, s.Arange(63, -1, -1, mlx.Int32), -1)
				return nn.SwiGLU(s, x, s.Multiply(backwards, three))
			})
		}
	})
}

// A width that is no multiple of the heads is an error of the Build, not a panic.
func TestHeadsThatDoNotFit(t *testing.T) {
	withReference(t, func(r *reference) {
		for _, x := range acts {
			_, err := r.th.Build(func(s *mlx.Scope) mlx.Array {
				return nn.MergeHeads(s, nn.SplitHeads(s, r.arrays["in."+x], 3, 16))
			})
			require.ErrorContains(t, err, "reshape")
		}
	})
}
