package initializer_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// In the order of testdata/mlxnn.py, from one seed, the values are mlx.nn.init's.
func TestInitializersEqualReference(t *testing.T) {
	cases := []struct {
		name  string
		init  initializer.Func
		shape []int
	}{
		{"constant", initializer.Constant(0.5), []int{2, 3}},
		{"normal", initializer.Normal(1, 0.5), []int{2, 3}},
		{"uniform", initializer.Uniform(-2, 1), []int{2, 3}},
		{"identity", initializer.Identity(), []int{3, 3}},
		{"glorot_normal", initializer.GlorotNormal(), []int{4, 3, 2}},
		{"glorot_uniform", initializer.GlorotUniform(initializer.Gain(4)), []int{4, 2}},
		{"he_normal", initializer.HeNormal(), []int{4, 3, 2}},
		{"he_normal.out", initializer.HeNormal(initializer.FanOut(), initializer.Gain(5)), []int{4, 2}},
		{"he_uniform", initializer.HeUniform(), []int{4, 2}},
		{"he_uniform.out", initializer.HeUniform(initializer.FanOut()), []int{4, 2}},
		{"sparse", initializer.Sparse(0.4, 1, 0.5), []int{4, 6}},
		{"orthogonal", initializer.Orthogonal(2), []int{3, 5}},
		{"orthogonal.tall", initializer.Orthogonal(1), []int{5, 3}},
	}
	reftest.Do(t, "../testdata/mlxnn.safetensors", func(r *reftest.Reference) {
		made, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
			keys := mlx.NewKeys(s, 6)
			var out []mlx.Array
			for _, c := range cases {
				out = append(out, c.init(s, keys, c.shape, mlx.Float32))
			}
			return out
		})
		require.NoError(t, err)
		defer mlx.CloseAll(made...)
		for i, c := range cases {
			r.RequireClose("initializer/"+c.name, made[i])
		}
		require.Len(t, r.Named("initializer/"), len(cases))
	})
}

// Many draws have the mean and the deviation that they are to have, also of half
// precision.
func TestMoments(t *testing.T) {
	const in, out = 300, 200
	leaktest.Do(t, func(th *mlx.Thread) {
		for name, c := range map[string]struct {
			init initializer.Func
			std  float64
		}{
			"glorot_normal":  {initializer.GlorotNormal(), math.Sqrt(2.0 / (in + out))},
			"glorot_uniform": {initializer.GlorotUniform(), math.Sqrt(2.0 / (in + out))},
			"he_normal":      {initializer.HeNormal(), math.Sqrt(1.0 / in)},
			"he_uniform":     {initializer.HeUniform(initializer.FanOut()), math.Sqrt(1.0 / out)},
		} {
			for _, dtype := range []mlx.Dtype{mlx.Float32, mlx.BFloat16} {
				stats, err := th.Build(func(s *mlx.Scope) mlx.Array {
					w := s.AsType(c.init(s, mlx.NewKeys(s, 1), []int{out, in}, dtype), mlx.Float32)
					return s.Stack([]mlx.Array{s.Mean(w, false), s.Std(w, false, 0)})
				})
				require.NoError(t, err)
				have, err := mlx.Values[float32](th, stats)
				require.NoError(t, err)
				require.NoError(t, stats.Close())
				require.InDelta(t, 0, have[0], c.std/50, name)
				require.InEpsilon(t, c.std, have[1], 0.02, name)
			}
		}
	})
}

func TestInitializersRefuse(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		for want, init := range map[string]initializer.Func{
			"initializer: he_normal: want two dimensions or more, have shape [3]":      initializer.HeNormal(),
			"initializer: glorot_uniform: want two dimensions or more, have shape [3]": initializer.GlorotUniform(),
			"initializer: identity: want a square matrix, have shape [3]":              initializer.Identity(),
			"initializer: orthogonal: want a matrix, have shape [3]":                   initializer.Orthogonal(1),
			"initializer: sparse: want a matrix and a sparsity in [0, 1]":              initializer.Sparse(0.5, 0, 1),
		} {
			_, err := th.Build(func(s *mlx.Scope) mlx.Array { return init(s, mlx.NewKeys(s, 1), []int{3}, mlx.Float32) })
			require.ErrorContains(t, err, want)
		}
	})
}
