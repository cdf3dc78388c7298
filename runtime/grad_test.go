package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// weights returns 1·a + 2·b + 3·c and the product abc, each scalars.
func weights(s *mlx.Scope, in arrays) arrays {
	sum := in[0]
	for i, a := range in[1:] {
		sum = s.Add(sum, s.Multiply(a, s.Scalar(float64(i+2), mlx.Float32)))
	}
	return arrays{sum, s.Multiply(s.Multiply(in[0], in[1]), in[2])}
}

// abc makes the scalars 5, 7 and 11, closed with the owner.
func abc(t *testing.T, th *mlx.Thread) (arrays, *mlx.Owner) {
	o := th.NewOwner("abc")
	return arrays{
		o.Keep(slice(t, th, []float32{5}, []int{}...)),
		o.Keep(slice(t, th, []float32{7}, []int{}...)),
		o.Keep(slice(t, th, []float32{11}, []int{}...)),
	}, o
}

// readAll reads scalars and closes them.
func readAll(t *testing.T, th *mlx.Thread, all arrays) (out []float32) {
	t.Helper()
	for _, a := range all {
		out = append(out, read[float32](t, th, a)...)
	}
	return out
}

func TestGradientsComeInTheOrderAskedFor(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in, o := abc(t, th)
		defer o.Close()
		for _, tt := range []struct {
			argnums []int
			want    []float32
		}{
			{nil, []float32{1}},
			{[]int{1}, []float32{2}},
			{[]int{-1}, []float32{3}},
			{[]int{2, 0}, []float32{3, 1}},
			{[]int{1, -1, 0}, []float32{2, 3, 1}},
		} {
			asked := append([]int(nil), tt.argnums...)
			grad, valueAndGrad := mlx.Grad(weights, asked...), mlx.ValueAndGrad(weights, asked...)
			for i := range asked {
				asked[i] = 99 // the caller's
			}
			got, err := th.BuildAll(func(s *mlx.Scope) arrays { return grad(s, in) })
			require.NoError(t, err)
			require.Equal(t, tt.want, readAll(t, th, got))
			var n int
			got, err = th.BuildAll(func(s *mlx.Scope) arrays {
				values, grads := valueAndGrad(s, in)
				n = len(values)
				return append(values, grads...)
			})
			require.NoError(t, err)
			require.Equal(t, 2, n)
			require.Equal(t, append([]float32{52, 385}, tt.want...), readAll(t, th, got), "only the first result counts")
		}
	})
}

func TestMisuseOfDerivatives(t *testing.T) {
	vector := func(s *mlx.Scope, in arrays) arrays { return arrays{s.ExpandDims(in[0], 0), in[1]} }
	vjp := func(f mlx.Func, primals, cotangents int) mlx.Func {
		return func(s *mlx.Scope, in arrays) arrays {
			_, out := mlx.VJP(s, f, in[:primals], in[:cotangents])
			return out
		}
	}
	for says, f := range map[string]mlx.Func{
		"mlx: grad: there is no argument 3 of 3 (grad_test.go:":                    mlx.Grad(weights, 3),
		"mlx: grad: there is no argument -4 of 3":                                  mlx.Grad(weights, 0, -4),
		"mlx: value_and_grad: argument -3 is asked for twice":                      both(mlx.ValueAndGrad(weights, 0, -3)),
		"mlx: grad: the function's first result has the shape [1]; it must be a s": mlx.Grad(vector),
		"mlx: vjp: Number of outputs to compute gradients for (2) does not match":  vjp(weights, 3, 1),
		"mlx: vjp: 3 cotangents for 2 results":                                     vjp(weights, 3, 3),
		"mlx: vjp: Output shape (1) does not match cotangent shape ()":             vjp(vector, 3, 2),
		"mlx: jvp: Number of inputs does not match number of tangents": func(s *mlx.Scope, in arrays) arrays {
			_, out := mlx.JVP(s, weights, in, in[:2])
			return out
		},
		"mlx: jvp: Input shape does not match shape of tangent": func(s *mlx.Scope, in arrays) arrays {
			_, out := mlx.JVP(s, weights, in, arrays{in[0], in[1], s.ExpandDims(in[2], 0)})
			return out
		},
		"mlx: grad: expected a non-empty mlx_array": func(s *mlx.Scope, in arrays) arrays {
			return mlx.Grad(weights)(s, arrays{in[0], {}, in[1]})
		},
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			in, o := abc(t, th)
			defer o.Close()
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, in) })
			require.ErrorContains(t, err, says)
		})
	}
}

// After an error nothing runs, as everywhere in a Scope.
func TestTransformsAfterAnError(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in, o := abc(t, th)
		defer o.Close()
		c := compile(t, th, weights)
		_, err := th.BuildAll(func(s *mlx.Scope) arrays {
			s.Fail(errBoom)
			never := func(*mlx.Scope, arrays) arrays { t.Error("it ran"); return nil }
			values, grads := mlx.ValueAndGrad(never)(s, in)
			require.Nil(t, values)
			require.Nil(t, grads)
			outs, vjps := mlx.VJP(s, never, in, in)
			require.Nil(t, outs)
			require.Nil(t, vjps)
			for _, f := range []mlx.Func{mlx.Vmap(never), mlx.Checkpoint(never), mlx.CustomVJP(never, nil), c.Apply} {
				require.Nil(t, f(s, in))
			}
			return nil
		})
		require.ErrorIs(t, err, errBoom)
	})
}

// A Func may use arrays and the Scope of the function around it: those are
// constants to the gradient.
func TestCapturedArrays(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in, o := abc(t, th)
		defer o.Close()
		before := mlx.Live()
		got, err := th.BuildAll(func(outer *mlx.Scope) arrays {
			product := outer.Multiply(in[1], in[2])
			return mlx.Grad(func(_ *mlx.Scope, a arrays) arrays {
				return arrays{outer.Multiply(outer.Square(a[0]), product)}
			})(outer, in[:1])
		})
		require.NoError(t, err)
		require.Equal(t, []float32{2 * 5 * 77}, readAll(t, th, got))
		require.Equal(t, before, mlx.Live())
	})
}

// The gradient through a checkpointed network needs less memory. (Python's mlx
// 0.32.2 does the same to a network of this kind.)
func TestCheckpointLowersPeakMemory(t *testing.T) {
	const layers, n = 24, 1 << 16
	wide := func(s *mlx.Scope, in arrays) arrays {
		x := in[0]
		for range 6 {
			x = s.Tanh(s.Multiply(x, in[1]))
		}
		return arrays{x}
	}
	peak := func(th *mlx.Thread, layer mlx.Func) (uint64, []float32) {
		w, x := slice(t, th, make([]float32, n)), slice(t, th, make([]float32, n))
		defer w.Close()
		defer x.Close()
		require.NoError(t, th.Eval(w, x))
		require.NoError(t, th.ClearCache())
		require.NoError(t, th.ResetPeakMemory())
		active, err := th.ActiveMemory()
		require.NoError(t, err)
		g := build(t, th, func(s *mlx.Scope) mlx.Array {
			return mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
				x, w := in[0], s.Add(in[1], s.Scalar(1, mlx.Float32))
				for range layers {
					x = layer(s, arrays{s.Add(x, s.Scalar(0.01, mlx.Float32)), w})[0]
				}
				return arrays{s.Sum(x, false)}
			})(s, arrays{x, w})[0]
		})
		require.NoError(t, th.Eval(g))
		most, err := th.PeakMemory()
		require.NoError(t, err)
		return most - active, read[float32](t, th, g)
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		without, want := peak(th, wide)
		with, got := peak(th, mlx.Checkpoint(wide))
		require.Less(t, with, without*3/4)
		require.InEpsilonSlice(t, want, got, 1e-4)
		t.Logf("peak of the gradient: %d bytes, %d with checkpoints", without, with)
	})
}
