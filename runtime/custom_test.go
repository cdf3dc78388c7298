package runtime_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var errBoom = errors.New("boom")

// What a rule returns is checked before MLX trusts it.
func TestMisuseOfRules(t *testing.T) {
	pair := func(s *mlx.Scope, in arrays) arrays { return arrays{s.Sum(in[0], false), s.Square(in[1])} }
	vjp := func(rule func(s *mlx.Scope, in arrays) arrays) mlx.Func {
		return mlx.Grad(mlx.CustomVJP(pair, func(s *mlx.Scope, primals, _, _ []mlx.Array) []mlx.Array { return rule(s, primals) }))
	}
	jvp := func(rule func(s *mlx.Scope, in arrays) arrays) mlx.Func {
		f := mlx.CustomJVP(pair, func(s *mlx.Scope, _, tangents []mlx.Array) []mlx.Array { return rule(s, tangents) })
		return func(s *mlx.Scope, in arrays) arrays {
			_, out := mlx.JVP(s, f, in, in)
			return out
		}
	}
	vmap := func(axes []int, rule func(s *mlx.Scope, in arrays) arrays) mlx.Func {
		return mlx.Vmap(mlx.CustomFunction(pair, mlx.Rules{Vmap: func(s *mlx.Scope, in arrays, _ []int) (arrays, []int) {
			return rule(s, in), axes
		}}))
	}
	same := func(_ *mlx.Scope, in arrays) arrays { return in }
	one := func(_ *mlx.Scope, in arrays) arrays { return in[:1] }
	rows := func(s *mlx.Scope, in arrays) arrays { return arrays{s.SumAxis(in[0], 1, false), in[1]} }
	for says, f := range map[string]mlx.Func{
		"mlx: custom_vjp: the rule returned 1 gradients, not 2":                  vjp(one),
		"mlx: custom_vjp: the rule's gradient 0 has the shape [3 2], not [2 3]":  vjp(func(s *mlx.Scope, in arrays) arrays { return arrays{s.Transpose(in[0]), in[1]} }),
		"mlx: custom_vjp: result 1 is null":                                      vjp(func(_ *mlx.Scope, in arrays) arrays { return arrays{in[0], {}} }),
		"mlx: custom_jvp: the rule returned 1 tangents, not 2":                   jvp(one),
		"mlx: custom_jvp: the rule's tangent 0 has the shape [2 3], not []":      jvp(same),
		"mlx: custom_vmap: the rule returned 1 results, not 2":                   vmap([]int{0}, one),
		"mlx: custom_vmap: the rule returned the axes of 1 results, not of 2":    vmap([]int{0}, rows),
		"mlx: custom_vmap: result 1: axis 2 is out of range for 2 dimensions":    vmap([]int{0, 2}, rows),
		"mlx: custom_vmap: result 1: it cannot be Unmapped":                      vmap([]int{0, mlx.Unmapped}, rows),
		"mlx: custom_vmap: the rule's result 0 has the shape [2 3], which is no": vmap([]int{0, 0}, same),
	} {
		leaktest.Do(t, func(th *mlx.Thread) {
			x := slice(t, th, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
			defer x.Close()
			_, err := th.BuildAll(func(s *mlx.Scope) arrays { return f(s, arrays{x, x}) })
			require.ErrorContains(t, err, says)
		})
	}
}

// Rules see what they are told they see, and are called after the function
// returned.
func TestWhatRulesSee(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in, o := abc(t, th)
		defer o.Close()
		returned := false
		f := mlx.CustomFunction(weights, mlx.Rules{
			VJP: func(s *mlx.Scope, primals, cotangents, outputs []mlx.Array) []mlx.Array {
				require.True(t, returned, "called when the gradient is built")
				require.Len(t, outputs, 2)
				require.Len(t, cotangents, 2)
				return arrays{s.Multiply(outputs[1], cotangents[0]), primals[2], cotangents[1]}
			},
			JVP: func(s *mlx.Scope, _, tangents []mlx.Array) []mlx.Array {
				return arrays{s.Add(s.Add(tangents[0], tangents[1]), tangents[2]), tangents[0]}
			},
		})
		got, err := th.BuildAll(func(s *mlx.Scope) arrays {
			return mlx.Grad(func(s *mlx.Scope, in arrays) arrays {
				out := f(s, in)
				returned = true
				return arrays{s.Multiply(out[0], s.Scalar(2, mlx.Float32))}
			}, 0, 1, 2)(s, in)
		})
		require.NoError(t, err)
		require.Equal(t, []float32{2 * 5 * 7 * 11, 11, 0}, readAll(t, th, got))

		got, err = th.BuildAll(func(s *mlx.Scope) arrays {
			_, jvps := mlx.JVP(s, func(s *mlx.Scope, moving arrays) arrays {
				return f(s, arrays{in[0], moving[0], in[2]}) // the others stay
			}, in[1:2], arrays{s.Scalar(3, mlx.Float32)})
			return jvps
		})
		require.NoError(t, err)
		require.Equal(t, []float32{3, 0}, readAll(t, th, got))
	})
}

// Without rules a function is as it was.
func TestCustomFunctionWithoutRules(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		in, o := abc(t, th)
		defer o.Close()
		got, err := th.BuildAll(func(s *mlx.Scope) arrays {
			return mlx.Grad(mlx.CustomFunction(weights, mlx.Rules{}), 0, 2)(s, in)
		})
		require.NoError(t, err)
		require.Equal(t, []float32{1, 3}, readAll(t, th, got))
	})
}
