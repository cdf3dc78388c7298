package nn_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// deltarule is what testdata/deltarule.py dumped.
const deltarule = "testdata/deltarule.safetensors"

// rule are positions [from, to) of the inputs q, k, v, decay and beta.
func rule(s *mlx.Scope, in []mlx.Array, from, to int) nn.DeltaRule {
	part := func(x mlx.Array) mlx.Array {
		start, stop := make([]int, s.Ndim(x)), s.Shape(x)
		start[1], stop[1] = from, to
		return s.Slice(x, start, stop, slices.Repeat([]int{1}, len(stop)))
	}
	return nn.DeltaRule{Q: part(in[0]), K: part(in[1]), V: part(in[2]), Decay: part(in[3]), Beta: part(in[4])}
}

// A sequence in pieces of any lengths, single positions, a chunk, several with a
// rest, gives what position after position gives, and so does its state.
func TestDeltaRuleEqualsReference(t *testing.T) {
	for _, ends := range [][]int{{150}, {64, 150}, {1, 3, 128, 150}, {5, 65, 150}, {63, 64, 65, 66, 70, 128, 149, 150}, {5, 6, 7, 8, 64, 128, 150}} {
		t.Run(fmt.Sprint(ends), func(t *testing.T) {
			reftest.Do(t, deltarule, func(r *reftest.Reference) {
				in := r.Inputs("long")
				made, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
					var parts, states []mlx.Array
					state, from := in[5], 0
					for _, to := range ends {
						var y mlx.Array
						y, state = rule(s, in, from, to).Forward(s, state)
						parts, states, from = append(parts, y), append(states, state), to
					}
					return append(states, s.ConcatenateAxis(parts, 1))
				})
				require.NoError(t, err)
				defer func() { require.NoError(t, mlx.CloseAll(made...)) }()
				r.RequireClose("long/y", made[len(ends)])
				for i, to := range ends {
					if name := fmt.Sprintf("long/state.%d", to); r.Arrays[name] != (mlx.Array{}) {
						r.RequireClose(name, made[i])
					}
				}
			})
		})
	}
}

// Inputs of bfloat16 are computed in float32, as the reference does.
func TestDeltaRuleInBFloat16(t *testing.T) {
	reftest.Do(t, deltarule, func(r *reftest.Reference) {
		in := r.Inputs("long")
		made, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
			half := slices.Clone(in)
			for _, i := range []int{0, 1, 2, 4} {
				half[i] = s.AsType(in[i], mlx.BFloat16)
			}
			y, state := rule(s, half, 0, 150).Forward(s, in[5])
			far := s.Max(s.Abs(s.Subtract(s.AsType(y, mlx.Float32), s.AsType(r.Arrays["long/y16"], mlx.Float32))), false)
			return []mlx.Array{y, state, s.Divide(far, s.Max(s.Abs(s.AsType(y, mlx.Float32)), false))}
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, mlx.CloseAll(made...)) }()
		dtype, err := made[0].Dtype()
		require.NoError(t, err)
		require.Equal(t, mlx.BFloat16, dtype)
		r.RequireClose("long/state16", made[1])
		far, err := mlx.Item[float32](r.Thread, made[2])
		require.NoError(t, err)
		require.Less(t, far, float32(1./256), "more than rounding to 8 bits")
	})
}

// The gradients by every input are those of the reference.
func TestDeltaRuleGradients(t *testing.T) {
	reftest.Do(t, deltarule, func(r *reftest.Reference) {
		r.RequireGradients("grad", func(s *mlx.Scope, in []mlx.Array) mlx.Array {
			y, _ := rule(s, in, 0, 21).Forward(s, in[5])
			return y
		})
		r.RequireGradients("grad", func(s *mlx.Scope, in []mlx.Array) mlx.Array {
			first, state := rule(s, in, 0, 3).Forward(s, in[5])
			second, _ := rule(s, in, 3, 21).Forward(s, state)
			return s.ConcatenateAxis([]mlx.Array{first, second}, 1)
		})
	})
}

// A position with a decay and a beta of 0 leaves the state as it is, also in front.
func TestDeltaRuleSkipsPositions(t *testing.T) {
	reftest.Do(t, deltarule, func(r *reftest.Reference) {
		in := r.Inputs("long")
		made, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
			padded := slices.Clone(in)
			for i, x := range in[:5] {
				fill := float64(7)
				if i >= 3 {
					fill = 0
				}
				padded[i] = s.Pad(x, []int{1}, []int{11}, []int{0}, s.Scalar(fill, mlx.Float32), "constant")
			}
			y, state := rule(s, padded, 0, 161).Forward(s, in[5])
			return []mlx.Array{s.Slice(y, []int{0, 11, 0, 0}, []int{2, 161, 4, 4}, []int{1, 1, 1, 1}), state}
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, mlx.CloseAll(made...)) }()
		r.RequireClose("long/y", made[0])
		r.RequireClose("long/state.150", made[1])
	})
}

// Shapes that do not fit are an error that says which.
func TestDeltaRuleRefuses(t *testing.T) {
	good := [][]int{{1, 6, 2, 8}, {1, 6, 2, 8}, {1, 6, 4, 5}, {1, 6, 4}, {1, 6, 4}, {1, 4, 5, 8}}
	for _, c := range []struct {
		input int
		shape []int
		want  string
	}{
		{0, []int{1, 6, 16}, "nn: DeltaRule: no input of 3 dimensions, [1 6 16]"},
		{0, []int{1, 6, 3, 8}, "no sequences of queries [1 6 3 8] and values [1 6 4 5]"},
		{0, []int{1, 6, 0, 8}, "no sequences of queries [1 6 0 8]"},
		{0, []int{2, 6, 2, 8}, "queries of shape [2 6 2 8], want [1 6 2 8]"},
		{1, []int{1, 6, 2, 9}, "keys of shape [1 6 2 9], want [1 6 2 8]"},
		{2, []int{1, 0, 4, 5}, "no sequences of queries [1 6 2 8] and values [1 0 4 5]"},
		{3, []int{1, 6, 4, 8}, "decay of shape [1 6 4 8], want [1 6 4]"},
		{4, []int{1, 6, 2}, "beta of shape [1 6 2], want [1 6 4]"},
		{5, []int{1, 4, 8, 5}, "state of shape [1 4 8 5], want [1 4 5 8]"},
		{5, []int{2, 4, 5, 8}, "state of shape [2 4 5 8], want [1 4 5 8]"},
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array {
				x := make([]mlx.Array, len(good))
				for i, shape := range good {
					if i == c.input {
						shape = c.shape
					}
					x[i] = s.Zeros(shape, mlx.Float32)
				}
				y, _ := nn.DeltaRule{Q: x[0], K: x[1], V: x[2], Decay: x[3], Beta: x[4]}.Forward(s, x[5])
				return y
			})
			require.ErrorContains(t, err, c.want)
		})
	}
}
