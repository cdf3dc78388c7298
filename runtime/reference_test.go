package runtime_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type arrays = []mlx.Array

// compiler compiles until the test ends.
type compiler func(f mlx.Func, opts ...mlx.CompileOption) mlx.Func

// references builds the functions of testdata/transforms.py, by their names there.
var references = map[string]func(compiler) mlx.Func{
	"value_and_grad": plain(both(mlx.ValueAndGrad(mlp, 0, 1, 2))),
	"grad_argnums":   plain(mlx.Grad(mlp, 2, -2)),
	"cross_entropy":  plain(both(mlx.ValueAndGrad(crossEntropy))),
	"grad_of_grad": plain(mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
		return weighted(s, mlx.Grad(cubicSine)(s, in)[0], 9)
	})),
	"third": plain(mlx.Grad(mlx.Grad(mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Multiply(s.Exp(in[0]), s.Sin(in[0]))}
	})))),
	"attention": plain(both(mlx.ValueAndGrad(attention, 0, 1, 2, 3))),
	"rope_norm": plain(both(mlx.ValueAndGrad(ropeNorm, 0, 1, 2))),
	"vjp": plain(func(s *mlx.Scope, in arrays) arrays {
		outs, vjps := mlx.VJP(s, two, in[:2], in[2:])
		return append(outs, vjps...)
	}),
	"jvp": plain(func(s *mlx.Scope, in arrays) arrays {
		outs, jvps := mlx.JVP(s, two, in[:2], in[2:])
		return append(outs, jvps...)
	}),
	"stop_gradient": plain(both(mlx.ValueAndGrad(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Sum(s.Multiply(in[0], s.StopGradient(s.Square(in[0]))), false)}
	}))),
	"vmap_axes": plain(mlx.Vmap(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Matmul(in[0], in[1])}
	}, mlx.InAxes(2, mlx.Unmapped), mlx.OutAxes(1))),
	"vmap_many": plain(mlx.Vmap(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Outer(in[0], in[1]), s.Sum(in[0], false)}
	}, mlx.InAxes(-1, 0), mlx.OutAxes(-1, 0))),
	"vmap_nested": plain(mlx.Vmap(mlx.Vmap(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Multiply(s.Sort(in[0]), in[1])}
	}, mlx.InAxes(0, mlx.Unmapped)))),
	"vmap_constant": plain(mlx.Vmap(func(_ *mlx.Scope, in arrays) arrays {
		return arrays{in[1]}
	}, mlx.InAxes(0, mlx.Unmapped))),
	"vmap_of_grad": plain(mlx.Vmap(mlx.Grad(mlp, 0, 1), mlx.InAxes(mlx.Unmapped, mlx.Unmapped, mlx.Unmapped, 0, 0))),
	"grad_of_vmap": plain(mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
		rows := mlx.Vmap(func(s *mlx.Scope, row arrays) arrays {
			return arrays{s.Softmax(s.Matmul(row[0], in[1]), false)}
		})
		return arrays{s.Sum(s.Square(rows(s, in[:1])[0]), false)}
	}, 0, 1)),
	"hessian": plain(func(s *mlx.Scope, in arrays) arrays {
		return mlx.Vmap(func(s *mlx.Scope, v arrays) arrays {
			_, jvps := mlx.JVP(s, mlx.Grad(soft), in, v)
			return jvps
		})(s, arrays{s.Eye(3, 3, 0, mlx.Float32)})
	}),
	"jacobian": plain(func(s *mlx.Scope, in arrays) arrays {
		return mlx.Vmap(func(s *mlx.Scope, c arrays) arrays {
			_, vjps := mlx.VJP(s, func(s *mlx.Scope, in arrays) arrays { return arrays{s.Softmax(in[0], false)} }, in, c)
			return vjps
		})(s, arrays{s.Eye(3, 3, 0, mlx.Float32)})
	}),
	"checkpoint":     plain(both(mlx.ValueAndGrad(deep(mlx.Checkpoint(block)), 0, 1))),
	"custom_vjp":     plain(both(mlx.ValueAndGrad(straightThrough))),
	"custom_derived": plain(mlx.Grad(func(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(pushed(s, in)[0], false)} }, 0, 1)),
	"custom_jvp": plain(func(s *mlx.Scope, in arrays) arrays {
		outs, jvps := mlx.JVP(s, pushed, in[:2], in[2:])
		return append(outs, jvps...)
	}),
	"custom_vmap":     plain(mlx.Vmap(squared, mlx.InAxes(0, mlx.Unmapped))),
	"compile_of_grad": func(c compiler) mlx.Func { return c(both(mlx.ValueAndGrad(mlp, 0, 1, 2))) },
	"grad_of_compile": func(c compiler) mlx.Func { return both(mlx.ValueAndGrad(c(mlp), 0, 1, 2)) },
	"compile_of_vmap": func(c compiler) mlx.Func { return c(mlx.Vmap(mlx.Grad(soft))) },
	"compile_shapeless": func(c compiler) mlx.Func {
		return c(func(s *mlx.Scope, in arrays) arrays {
			return arrays{s.Add(s.Multiply(s.Tanh(in[0]), in[1]), s.Exp(s.Negative(s.Abs(in[0]))))}
		}, mlx.Shapeless())
	},
}

func plain(f mlx.Func) func(compiler) mlx.Func { return func(compiler) mlx.Func { return f } }

// both joins values and gradients.
func both(f func(*mlx.Scope, arrays) (values, grads arrays)) mlx.Func {
	return func(s *mlx.Scope, in arrays) arrays {
		values, grads := f(s, in)
		return append(values, grads...)
	}
}

// wave makes the script's eighths between -1 and 1.
func wave(s *mlx.Scope, k int, shape ...int) mlx.Array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32((i+1)*(i+k)*7%17-8) / 8
	}
	return mlx.Const(s, data, shape...)
}

// weighted is the sum of x, each element with a weight of its own.
func weighted(s *mlx.Scope, x mlx.Array, k int) arrays {
	return arrays{s.Sum(s.Multiply(x, wave(s, k, s.Shape(x)...)), false)}
}

func mlp(s *mlx.Scope, in arrays) arrays {
	w1, b1, w2, x, y := in[0], in[1], in[2], in[3], in[4]
	h := s.Tanh(s.Add(s.Matmul(x, w1), b1))
	return arrays{s.Mean(s.Square(s.Subtract(s.Matmul(h, w2), y)), false)}
}

func crossEntropy(s *mlx.Scope, in arrays) arrays {
	picked := s.SqueezeAxis(s.TakeAlongAxis(in[0], s.ExpandDims(in[1], 1), 1), 1)
	return arrays{s.Mean(s.Subtract(s.LogSumExpAxis(in[0], 1, false), picked), false)}
}

func cubicSine(s *mlx.Scope, in arrays) arrays {
	x := in[0]
	return arrays{s.Sum(s.Multiply(s.Multiply(s.Square(x), x), s.Sin(x)), false)}
}

func attention(s *mlx.Scope, in arrays) arrays {
	o := s.ScaledDotProductAttention(in[0], in[1], in[2], 0.5, "causal", mlx.Array{}, mlx.Array{}, false)
	return weighted(s, s.RMSNorm(o, in[3], 1e-5), 7)
}

func ropeNorm(s *mlx.Scope, in arrays) arrays {
	y := s.RoPE(in[0], 4, false, mlx.OptionalFloat{Value: 100, Valid: true}, 1, 3, mlx.Array{})
	return weighted(s, s.Square(s.LayerNorm(y, in[1], in[2], 1e-5)), 3)
}

func two(s *mlx.Scope, in arrays) arrays {
	return arrays{s.Multiply(s.Exp(in[0]), in[1]), s.SumAxis(s.Multiply(in[0], in[1]), 0, false)}
}

func soft(s *mlx.Scope, in arrays) arrays { return weighted(s, s.Softmax(in[0], false), 2) }

func block(s *mlx.Scope, in arrays) arrays {
	return arrays{s.Matmul(s.Tanh(s.Matmul(in[0], in[1])), s.Transpose(in[1]))}
}

// deep is a residual network of three blocks with the same weights.
func deep(block mlx.Func) mlx.Func {
	return func(s *mlx.Scope, in arrays) arrays {
		x, w := in[0], in[1]
		for range 3 {
			y := block(s, arrays{x, w})
			if s.Err() != nil {
				return nil
			}
			x = s.Add(x, y[0])
		}
		return arrays{s.Sum(s.Square(x), false)}
	}
}

// straightThrough rounds, and passes gradients as if it had not where |x| < 1.
func straightThrough(s *mlx.Scope, in arrays) arrays {
	round := mlx.CustomVJP(func(s *mlx.Scope, in arrays) arrays {
		return arrays{s.Round(in[0], 0)}
	}, func(s *mlx.Scope, primals, cotangents, _ []mlx.Array) []mlx.Array {
		return arrays{s.Multiply(cotangents[0], s.Less(s.Abs(primals[0]), s.Scalar(1, mlx.Float32)))}
	})
	return weighted(s, round(s, arrays{s.Multiply(in[0], s.Scalar(3, mlx.Float32))})[0], 2)
}

// pushed has a forward derivative that is wrong on purpose.
var pushed = mlx.CustomJVP(func(s *mlx.Scope, in arrays) arrays {
	return arrays{s.Multiply(s.Sin(in[0]), in[1])}
}, func(s *mlx.Scope, primals, tangents []mlx.Array) []mlx.Array {
	return arrays{s.Multiply(s.Multiply(s.Scalar(2, mlx.Float32), tangents[0]), primals[1])}
})

// squared does something else when it is mapped.
var squared = mlx.CustomFunction(func(s *mlx.Scope, in arrays) arrays {
	return arrays{s.Multiply(s.Square(in[0]), in[1])}
}, mlx.Rules{Vmap: func(s *mlx.Scope, in arrays, axes []int) (arrays, []int) {
	x := s.Multiply(s.MoveAxis(in[0], axes[0], 1), s.Scalar(10, mlx.Float32))
	return arrays{s.Add(x, s.ExpandDims(in[1], 1))}, []int{1}
}})

// numbered collects CASE/in0, CASE/in1 and so on.
func numbered(all map[string]mlx.Array, prefix string) (out arrays) {
	for i := 0; ; i++ {
		a, ok := all[fmt.Sprint(prefix, i)]
		if !ok {
			return out
		}
		out = append(out, a)
	}
}

func TestTransformsGiveWhatPythonGives(t *testing.T) {
	for name, newFunc := range references {
		t.Run(name, func(t *testing.T) {
			leaktest.Do(t, func(th *mlx.Thread) {
				all, metadata, err := mlx.LoadSafetensors(th, "testdata/transforms.safetensors")
				require.NoError(t, err)
				require.Equal(t, "0.32.2", metadata["mlx"])
				owner := th.NewOwner("reference")
				defer owner.Close()
				for _, a := range all {
					owner.Keep(a)
				}
				f := newFunc(func(f mlx.Func, opts ...mlx.CompileOption) mlx.Func { return compile(t, th, f, opts...).Apply })
				got, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, numbered(all, name+"/in")) })
				require.NoError(t, err)
				want := numbered(all, name+"/out")
				require.NotEmpty(t, want)
				require.Len(t, got, len(want))
				for i := range want {
					requireClose(t, th, want[i], got[i], 2e-6)
				}
				require.NoError(t, mlx.CloseAll(got...))
			})
		})
	}
}

// compile compiles until the test ends.
func compile(t *testing.T, th *mlx.Thread, f mlx.Func, opts ...mlx.CompileOption) *mlx.Compiled {
	t.Helper()
	c, err := th.Compile(f, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// requireClose compares shapes, and elements within a part of the largest.
func requireClose(t *testing.T, th *mlx.Thread, want, got mlx.Array, tolerance float64) {
	t.Helper()
	wantShape, err := want.Shape()
	require.NoError(t, err)
	shape, err := got.Shape()
	require.NoError(t, err)
	require.Equal(t, wantShape, shape)
	w, err := mlx.Values[float64](th, want)
	require.NoError(t, err)
	g, err := mlx.Values[float64](th, got)
	require.NoError(t, err)
	largest := 1e-3
	for _, x := range w {
		largest = max(largest, math.Abs(x))
	}
	require.InDeltaSlice(t, w, g, tolerance*largest)
}
