package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// A compiled step, whose state the parameters are, trains as the step itself
// does, and a second call traces nothing. The model is small, for MLX calls the C++
// compiler.
func TestCompiledStep(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("model")
		defer owner.Close()
		m := &nn.Linear{In: 8, Out: 3, NoBias: true}
		require.NoError(t, nn.Init(th, m, 1, owner))
		params := nn.Trainable(m)
		x, err := th.Build(func(s *mlx.Scope) mlx.Array { return s.Eye(4, 8, 1, mlx.Float32) })
		require.NoError(t, err)
		defer x.Close()
		traces := 0
		step := func(s *mlx.Scope, args []mlx.Array) []mlx.Array {
			traces++
			loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
				return s.Sum(s.Square(m.Forward(s, args[0])), false)
			})
			for i, g := range grads {
				params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(s.Scalar(0.05, mlx.Float32), g)))
			}
			return []mlx.Array{loss}
		}
		train := func(step mlx.Func) []float32 {
			require.NoError(t, nn.Init(th, m, 1, owner))
			for range 5 {
				loss, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return step(s, []mlx.Array{x}) })
				require.NoError(t, err)
				require.NoError(t, th.Eval(append(params.Arrays(), loss...)...))
				require.NoError(t, mlx.CloseAll(loss...))
			}
			return values(t, th, params)["weight"]
		}
		want := train(step)
		traces = 0
		compiled, err := th.Compile(step, mlx.WithState(params.Slots()...))
		require.NoError(t, err)
		defer compiled.Close()
		require.InDeltaSlice(t, want, train(compiled.Apply), 1e-5)
		require.Equal(t, 1, traces)
	})
}

// A layer that is computed again for its gradient, by With and Checkpoint, has
// the same gradient.
func TestCheckpointedLayer(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		params := nn.Trainable(m.Block[0])
		grads := func(down func(s *mlx.Scope, x mlx.Array) mlx.Array) map[string][]float32 {
			all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				_, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
					gate, up := nn.Two(m.Block[0].GateUp.Forward(s, mlx.Const(s, []float32{1, -2, 3, 0, 1, 0, 2, -1}, 1, 8)))
					return s.Sum(s.Square(down(s, nn.SwiGLU(s, gate, up))), false)
				})
				return grads
			})
			require.NoError(t, err)
			defer mlx.CloseAll(all...)
			out := map[string][]float32{}
			for i, p := range params {
				out[p.Name], err = mlx.Values[float32](th, all[i])
				require.NoError(t, err)
			}
			return out
		}
		layer := params.Under("down")
		checkpointed := func(s *mlx.Scope, x mlx.Array) mlx.Array {
			pure := mlx.Checkpoint(func(s *mlx.Scope, args []mlx.Array) (out []mlx.Array) {
				layer.With(args[1:], func() { out = []mlx.Array{m.Block[0].Down.Forward(s, args[0])} })
				return out
			})
			out := pure(s, append([]mlx.Array{x}, layer.Arrays()...))
			if len(out) != 1 {
				return mlx.Array{}
			}
			return out[0]
		}
		plain := grads(m.Block[0].Down.Forward)
		require.NotZero(t, plain["down.weight"][0])
		have := grads(checkpointed)
		for name, want := range plain {
			require.InDeltaSlice(t, want, have[name], 1e-5, name)
		}
	})
}

// Weights that are kept for inference have no place to stand in.
func TestWithOfInference(t *testing.T) {
	withReference(t, func(r *reference) {
		m := new(one)
		r.load(m, false, "a=biased")
		params := nn.Parameters(m)
		require.Equal(t, []string{"a.weight", "a.bias"}, params.Names())
		bias, called := params[1].Array(), false
		params.With([]mlx.Array{r.arrays["biased.weight"], r.arrays["norm.weight"]}, func() {
			called = true
			require.True(t, params[0].Array().IsNull())
			require.Equal(t, r.arrays["norm.weight"], params[1].Array())
		})
		require.True(t, called)
		require.Equal(t, bias, params[1].Array())
	})
}
