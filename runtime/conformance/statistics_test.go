package conformance

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

const (
	samples = 100_000
	cpuOnly = "multivariate normal" // its covariance is factored on the CPU
)

// distribution is what many draws of an operation must look like.
type distribution struct {
	name           string
	draw           func(s *mlx.Scope, key mlx.Array) mlx.Array
	mean, variance float64
	low, high      float64 // no number lies outside
}

func distributions() []distribution {
	n, inf := []int{samples}, math.Inf(1)
	number := func(s *mlx.Scope, v float64) mlx.Array { return s.Scalar(v, mlx.Float32) }
	f32 := mlx.Float32
	// A normal distribution cut at a and b, from the density and mass of the standard one.
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	mass := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	a, b := -1.0, 2.0
	z := mass(b) - mass(a)
	cut := (density(a) - density(b)) / z
	return []distribution{
		{"uniform", func(s *mlx.Scope, k mlx.Array) mlx.Array {
			return s.RandomUniform(number(s, -1), number(s, 3), n, f32, k)
		}, 1, 16.0 / 12, -1, 3},
		{"normal", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomNormal(n, f32, 2, 3, k) }, 2, 9, -inf, inf},
		{"normal of arrays", func(s *mlx.Scope, k mlx.Array) mlx.Array {
			return s.RandomNormalBroadcast(n, f32, number(s, -1), number(s, 2), k)
		}, -1, 4, -inf, inf},
		{"truncated normal", func(s *mlx.Scope, k mlx.Array) mlx.Array {
			return s.RandomTruncatedNormal(number(s, a), number(s, b), n, f32, k)
		}, cut, 1 + (a*density(a)-b*density(b))/z - cut*cut, a, b},
		{"gumbel", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomGumbel(n, f32, k) }, 0.5772156649, math.Pi * math.Pi / 6, -inf, inf},
		{"laplace", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomLaplace(n, f32, 1, 0.5, k) }, 1, 0.5, -inf, inf},
		{"bernoulli", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomBernoulli(number(s, 0.3), n, k) }, 0.3, 0.21, 0, 1},
		{"randint", func(s *mlx.Scope, k mlx.Array) mlx.Array {
			return s.RandomRandint(s.Scalar(-3, mlx.Int32), s.Scalar(7, mlx.Int32), n, mlx.Int32, k)
		}, 1.5, 99.0 / 12, -3, 6},
		{"bits", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomBits(n, 1, k) }, 127.5, 65535.0 / 12, 0, 255},
		{"categorical", func(s *mlx.Scope, k mlx.Array) mlx.Array { // 1, 2 and 5 eighths
			return s.RandomCategoricalNumSamples(s.Log(mlx.Const(s, []float32{1, 2, 5})), 0, samples, k)
		}, 1.5, 0.5, 0, 2},
		{"permutation", func(s *mlx.Scope, k mlx.Array) mlx.Array { return s.RandomPermutationArange(samples, k) }, (samples - 1) / 2.0, (samples*samples - 1) / 12.0, 0, samples - 1},
		{cpuOnly, func(s *mlx.Scope, k mlx.Array) mlx.Array {
			return s.RandomMultivariateNormal(mlx.Const(s, []float32{1, 1}), mlx.Const(s, []float32{2, 0.5, 0.5, 2}, 2, 2), []int{samples / 2}, f32, k)
		}, 1, 2, -inf, inf},
	}
}

// Means and variances of many draws are those of the distribution, within five
// times their own spread, and none lies outside its bounds.
func TestRandomStatistics(t *testing.T) {
	for _, d := range distributions() {
		t.Run(d.name, func(t *testing.T) {
			on(t, func(th *mlx.Thread) {
				if at, err := th.Device(); err == nil && at.Type == mlx.GPU && d.name == cpuOnly {
					t.Skip("runs on CPUs only")
				}
				a, err := th.Build(func(s *mlx.Scope) mlx.Array {
					return s.Reshape(s.AsType(d.draw(s, s.RandomKey(11)), mlx.Float32), -1)
				})
				require.NoError(t, err)
				defer a.Close()
				v, err := mlx.Values[float32](th, a)
				require.NoError(t, err)
				require.Len(t, v, samples)
				d.check(t, v)
			})
		})
	}
}

func (d distribution) check(t *testing.T, v []float32) {
	var mean, variance, fourth float64
	for _, x := range v {
		require.True(t, float64(x) >= d.low && float64(x) <= d.high, "%v is not between %v and %v", x, d.low, d.high)
		mean += float64(x) / samples
	}
	for _, x := range v {
		square := (float64(x) - mean) * (float64(x) - mean)
		variance += square / samples
		fourth += square * square / samples
	}
	require.InDelta(t, d.mean, mean, 5*math.Sqrt(variance/samples), "mean")
	require.InDelta(t, d.variance, variance, 5*math.Sqrt((fourth-variance*variance)/samples)+1e-9*variance, "variance")
}
