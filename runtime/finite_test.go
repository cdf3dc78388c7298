package runtime_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Gradients of random smooth functions, in float64 and transformed in every way
// that leaves them what they are, against central differences.
func TestGradientsAreFiniteDifferences(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		rapid.Check(t, func(rt *rapid.T) {
			steps := rapid.SliceOfN(rapid.SampledFrom(smoothSteps), 1, 6).Draw(rt, "steps")
			values := rapid.SliceOfN(rapid.Float64Range(-1.5, 1.5), 6, 6).Draw(rt, "x")
			how := rapid.SampledFrom(sameGradients).Draw(rt, "how")
			f := func(s *mlx.Scope, in arrays) arrays {
				y := in[0]
				for _, step := range steps {
					y = step.build(s, y)
				}
				return arrays{s.Mean(y, false)}
			}
			want := differences(rt, th, f, values)
			got := evaluate(rt, th, how.grad(th, f), values)
			largest := 1.0
			for _, w := range want {
				largest = max(largest, math.Abs(w))
			}
			require.InDeltaSlice(rt, want, got, 1e-6*largest)
		})
	})
}

// step is a smooth map from [2, 3] to [2, 3], of functions that MLX computes as
// precisely as float64 allows: its exp and sin are no better than float32.
type step struct {
	name  string
	build func(s *mlx.Scope, x mlx.Array) mlx.Array
}

func (s step) String() string { return s.name }

var smoothSteps = []step{
	{"tanh", (*mlx.Scope).Tanh},
	{"arctan", (*mlx.Scope).Arctan},
	{"sinh(tanh x)", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Sinh(s.Tanh(x)) }},
	{"x²/2", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Multiply(s.Square(x), s.Scalar(0.5, mlx.Float64)) }},
	{"log(1 + x²)", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Log1p(s.Square(x)) }},
	{"x tanh x", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Multiply(x, s.Tanh(x)) }},
	{"1 / (1 + x²)", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reciprocal(s.Add(s.Square(x), one64(s))) }},
	{"√(1 + x²)", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Sqrt(s.Add(s.Square(x), one64(s))) }},
	{"less its mean", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Subtract(x, s.MeanAxis(x, 0, true)) }},
	{"cumulative sum", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.CumsumAxis(x, 1, false, true, mlx.OptionalDtype{}) }},
	{"rows turned", func(s *mlx.Scope, x mlx.Array) mlx.Array { return s.Reshape(s.Transpose(x), 2, 3) }},
	{"last column first", func(s *mlx.Scope, x mlx.Array) mlx.Array {
		return s.ConcatenateAxis(arrays{s.Slice(x, []int{0, 2}, []int{2, 3}, []int{1, 1}), s.Slice(x, []int{0, 0}, []int{2, 2}, []int{1, 1})}, 1)
	}},
}

func one64(s *mlx.Scope) mlx.Array { return s.Scalar(1, mlx.Float64) }

// way computes the gradient of f by a composition of transformations.
type way struct {
	name string
	grad func(th *mlx.Thread, f mlx.Func) mlx.Func
}

func (w way) String() string { return w.name }

var sameGradients = []way{
	{"grad", func(_ *mlx.Thread, f mlx.Func) mlx.Func { return mlx.Grad(f) }},
	{"checkpoint", func(_ *mlx.Thread, f mlx.Func) mlx.Func { return mlx.Grad(mlx.Checkpoint(f)) }},
	{"vjp rule", func(_ *mlx.Thread, f mlx.Func) mlx.Func {
		return mlx.Grad(mlx.CustomVJP(f, func(s *mlx.Scope, primals, cotangents, _ []mlx.Array) []mlx.Array {
			return arrays{s.Multiply(mlx.Grad(f)(s, primals)[0], cotangents[0])}
		}))
	}},
	{"one row of jvp each", func(_ *mlx.Thread, f mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			basis := s.Reshape(s.Eye(6, 6, 0, mlx.Float64), 6, 2, 3)
			slopes := mlx.Vmap(func(s *mlx.Scope, v arrays) arrays {
				_, jvps := mlx.JVP(s, f, in, v)
				return jvps
			})(s, arrays{basis})
			return arrays{s.Reshape(slopes[0], 2, 3)}
		}
	}},
	{"vmap of grad", func(_ *mlx.Thread, f mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			return arrays{s.Squeeze(mlx.Vmap(mlx.Grad(f))(s, arrays{s.ExpandDims(in[0], 0)})[0])}
		}
	}},
	{"gradient of the gradient along itself", func(_ *mlx.Thread, f mlx.Func) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays { // d(g·c)/dc = g, for c the gradient's cotangent
			return mlx.Grad(func(s *mlx.Scope, c arrays) arrays {
				_, vjps := mlx.VJP(s, f, in, arrays{one64(s)})
				return arrays{s.Sum(s.Multiply(vjps[0], c[0]), false)}
			})(s, arrays{s.OnesLike(in[0])})
		}
	}},
}

// evaluate returns the elements of f at a [2, 3].
func evaluate(rt *rapid.T, th *mlx.Thread, f mlx.Func, values []float64) []float64 {
	x, err := mlx.FromSlice(th, values, 2, 3)
	require.NoError(rt, err)
	defer x.Close()
	y, err := th.Build(func(s *mlx.Scope) mlx.Array { return f(s, arrays{x})[0] })
	require.NoError(rt, err)
	defer y.Close()
	v, err := mlx.Values[float64](th, y)
	require.NoError(rt, err)
	return v
}

// differences returns the central differences of f.
func differences(rt *rapid.T, th *mlx.Thread, f mlx.Func, values []float64) []float64 {
	const h = 1e-5
	at := func(i int, by float64) float64 {
		moved := append([]float64(nil), values...)
		moved[i] += by
		return evaluate(rt, th, f, moved)[0]
	}
	out := make([]float64, len(values))
	for i := range values {
		out[i] = (at(i, h) - at(i, -h)) / (2 * h)
	}
	return out
}
