package nn_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// classifier is a small model with one layer of each kind of state.
type classifier struct {
	Embed nn.Embedding  `weight:"embed"`
	Block []*perceptron `weight:"layers"`
	Norm  nn.BatchNorm  `weight:"norm"`
	Gain  nn.Param      `weight:"gain"`
}

type perceptron struct {
	GateUp nn.Fused  `weight:"gate,up"`
	Down   nn.Linear `weight:"down"`
	Rope   nn.RoPE   `weight:""` // prepared, and not used
}

func newClassifier() *classifier {
	m := &classifier{Embed: nn.Embedding{Vocab: 7, Dims: 8}, Norm: nn.BatchNorm{Dims: 8},
		Gain: nn.Param{Shape: []int{8}, Init: initializer.Constant(2)}}
	for range 2 {
		m.Block = append(m.Block, &perceptron{GateUp: nn.Fused{In: 8, Outs: []int{6, 6}, NoBias: true}, Down: nn.Linear{In: 6, Out: 8},
			Rope: nn.RoPE{Dims: 4}})
	}
	return m
}

// Forward maps ids [B, L] to logits [B, L, V].
func (m *classifier) Forward(s *mlx.Scope, ids mlx.Array) mlx.Array {
	h := m.Embed.Forward(s, ids)
	for _, l := range m.Block {
		gate, up := nn.Two(l.GateUp.Forward(s, h))
		h = s.Add(h, l.Down.Forward(s, nn.SwiGLU(s, gate, up)))
	}
	return m.Embed.AsLinear(s, s.Multiply(m.Norm.Forward(s, h), m.Gain.Array()))
}

var classifierNames = []string{
	"embed.weight",
	"layers.0.gate.weight", "layers.0.up.weight", "layers.0.down.weight", "layers.0.down.bias",
	"layers.1.gate.weight", "layers.1.up.weight", "layers.1.down.weight", "layers.1.down.bias",
	"norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "gain",
}

// withClassifier runs f with a model that Init filled.
func withClassifier(t *testing.T, f func(th *mlx.Thread, m *classifier, owner *mlx.Owner)) {
	t.Helper()
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("classifier")
		defer owner.Close()
		m := newClassifier()
		require.NoError(t, nn.Init(th, m, 1, owner))
		f(th, m, owner)
	})
}

// values reads every parameter.
func values(t *testing.T, th *mlx.Thread, tree nn.Tree) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for name, a := range tree.All() {
		v, err := mlx.Values[float32](th, a)
		require.NoError(t, err, name)
		out[name] = v
	}
	return out
}

func (m *classifier) logits(t *testing.T, th *mlx.Thread) []float32 {
	t.Helper()
	y, err := th.Build(func(s *mlx.Scope) mlx.Array { return m.Forward(s, mlx.Const(s, []int32{1, 5, 0}, 1, 3)) })
	require.NoError(t, err)
	defer y.Close()
	v, err := mlx.Values[float32](th, y)
	require.NoError(t, err)
	return v
}

// Parameters come in the order of the fields, under the checkpoint's names.
func TestParameters(t *testing.T) {
	require.Empty(t, nn.Parameters(newClassifier()), "before Init")
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		all := nn.Parameters(m)
		require.Equal(t, classifierNames, all.Names())
		require.Equal(t, append(classifierNames[:11:11], "gain"), nn.Trainable(m).Names())
		require.Equal(t, []float32{2, 2, 2, 2, 2, 2, 2, 2}, values(t, th, all)["gain"])
		_, ok := all.Find("layers.0.gate.bias")
		require.False(t, ok)
	})
}

func TestFreeze(t *testing.T) {
	withClassifier(t, func(_ *mlx.Thread, m *classifier, _ *mlx.Owner) {
		nn.Freeze(m, "embed", "layers.1", "gain", "layers.0.down.weight", "layer")
		want := []string{"layers.0.gate.weight", "layers.0.up.weight", "layers.0.down.bias", "norm.weight", "norm.bias"}
		require.Equal(t, want, nn.Trainable(m).Names())
		nn.Freeze(m)
		require.Empty(t, nn.Trainable(m))
		nn.Unfreeze(m, "gain")
		require.Equal(t, []string{"gain"}, nn.Trainable(m).Names())
		nn.Unfreeze(m)
		require.Equal(t, append(classifierNames[:11:11], "gain"), nn.Trainable(m).Names())
	})
}

// step is one step of gradient descent and returns the loss.
func (m *classifier) step(th *mlx.Thread, params nn.Tree) (mlx.Array, error) {
	return th.Build(func(s *mlx.Scope) mlx.Array {
		ids, next := mlx.Const(s, []int32{1, 5, 0}, 1, 3), mlx.Const(s, []int32{5, 0, 6}, 1, 3)
		loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
			return losses.CrossEntropy(s, m.Forward(s, ids), next, losses.Mean)
		})
		if s.Err() != nil {
			return loss
		}
		updated := make([]mlx.Array, len(params))
		for i, p := range params {
			updated[i] = s.Subtract(p.Array(), s.Multiply(s.Scalar(0.05, mlx.Float32), grads[i]))
		}
		params.Update(s, updated)
		return loss
	})
}

// Training lowers the loss, leaves frozen parameters alone and frees what it
// replaces.
func TestTraining(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		nn.Freeze(m, "layers.0")
		before, live := values(t, th, nn.Parameters(m)), mlx.Live()
		var losses []float32
		for range 30 {
			loss, err := m.step(th, nn.Trainable(m))
			require.NoError(t, err)
			v, err := mlx.Item[float32](th, loss)
			require.NoError(t, err)
			losses = append(losses, v)
			require.NoError(t, loss.Close())
			require.Equal(t, live, mlx.Live())
		}
		require.Less(t, losses[29], losses[0]/2)
		for name, v := range values(t, th, nn.Parameters(m).Under("layers.0", "norm.running_mean", "norm.running_var")) {
			require.Equal(t, before[name], v, name)
		}
		for name, v := range values(t, th, nn.Trainable(m)) {
			require.NotEqual(t, before[name], v, name)
		}
	})
}

// Whichever operation of a step fails, its error comes back, no parameter has
// changed and nothing stays open.
func TestEveryOperationOfAStepMayFail(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		before, handles, live := values(t, th, nn.Parameters(m)), nn.Parameters(m).Arrays(), mlx.Live()
		for n, more := 1, true; more; n++ {
			boom := fmt.Errorf("operation %d", n)
			th.FailAt(n, boom)
			loss, err := m.step(th, nn.Trainable(m))
			th.FailAt(0, nil)
			if more = err != nil; !more {
				require.Greater(t, n, 70)
				require.NoError(t, loss.Close())
				continue
			}
			require.ErrorIs(t, err, boom)
			require.Equal(t, live, mlx.Live())
			require.Equal(t, handles, nn.Parameters(m).Arrays())
		}
		require.NotEqual(t, before, values(t, th, nn.Parameters(m)))
	})
}

// A function that panics, and one that fails, leave the parameters standing for
// themselves.
func TestFailingLoss(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		handles, boom := nn.Parameters(m).Arrays(), errors.New("boom")
		grad := func(fn func(s *mlx.Scope) mlx.Array) error {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				_, grads := nn.ValueAndGrad(s, nn.Trainable(m), fn)
				return grads
			})
			return err
		}
		require.ErrorIs(t, grad(func(s *mlx.Scope) mlx.Array { s.Fail(boom); return mlx.Array{} }), boom)
		require.ErrorIs(t, grad(func(*mlx.Scope) mlx.Array { panic(boom) }), boom)
		require.Equal(t, handles, nn.Parameters(m).Arrays())
		_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			_, grads := nn.ValueAndGrad(s, nil, func(s *mlx.Scope) mlx.Array { return s.Scalar(1, mlx.Float32) })
			return grads
		})
		require.ErrorContains(t, err, "nn: value_and_grad: there are no parameters")
	})
}

// Update refuses other shapes and numbers, and then changes nothing.
func TestUpdateRefuses(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) {
		params := nn.Parameters(m).Under("gain", "embed")
		handles := params.Arrays()
		for want, count := range map[string]int{"nn: assign gain: shape [7 8], want [8]": 2, "nn: update: 1 values for 2 parameters": 1} {
			_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
				wide := s.Zeros([]int{7, 8}, mlx.Float32)
				params.Update(s, []mlx.Array{wide, wide}[:count])
				return nil
			})
			require.ErrorContains(t, err, want)
			require.Equal(t, handles, params.Arrays())
		}
	})
}

// After its owner is closed a model has no values.
func TestClosedOwner(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, owner *mlx.Owner) {
		params := nn.Trainable(m)
		require.NoError(t, owner.Close())
		require.Empty(t, nn.Parameters(m))
		_, err := m.step(th, params)
		require.ErrorContains(t, err, "nn: embed.weight has no value to train or save: its owner was closed")
	})
}
