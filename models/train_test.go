package models

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// nextToken is the mean cross entropy of each token from the second on.
func nextToken(s *mlx.Scope, m *Model, tokens mlx.Array) mlx.Array {
	shape := s.Shape(tokens)
	if len(shape) != 2 {
		return mlx.Array{}
	}
	b, l := shape[0], shape[1]
	in := s.Slice(tokens, []int{0, 0}, []int{b, l - 1}, []int{1, 1})
	next := s.Slice(tokens, []int{0, 1}, []int{b, l}, []int{1, 1})
	return losses.CrossEntropy(s, m.Logits(s, in), next, losses.Mean)
}

// The loss and its gradients by every parameter, under the names of the
// checkpoint, are those of mlx-lm.
func TestLlamaGradientsEqualReference(t *testing.T) {
	for _, name := range []string{"plain", "gqa", "tied", "bias", "head_dim", "traditional", "llama3", "q4", "mixed"} {
		t.Run(name, func(t *testing.T) {
			m := loadTest(t, tiny(t, name), WithTraining(), WithWeights(Packed))
			reftest.Do(t, filepath.Join("testdata", "llama", name, "grads.safetensors"), func(r *reftest.Reference) {
				ref := readReference(t, r.Thread, name)
				params := nn.Trainable(m.Module())
				all, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
					tokens := mlx.Const(s, ref.tokens, ref.shape[:2]...)
					loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array { return nextToken(s, m, tokens) })
					return append([]mlx.Array{loss}, grads...)
				})
				require.NoError(t, err)
				defer mlx.CloseAll(all...)
				r.RequireClose("loss", all[0])
				grads := map[string]mlx.Array{}
				for i, p := range params {
					grads[p.Name] = all[i+1]
				}
				requireGradients(r, grads)
			})
		})
	}
}

// requireGradients compares the names, the norms and the whole gradients that the
// reference has.
func requireGradients(r *reftest.Reference, grads map[string]mlx.Array) {
	r.T.Helper()
	norms := r.Named("norm.")
	require.ElementsMatch(r.T, slices.Collect(maps.Keys(norms)), slices.Collect(maps.Keys(grads)))
	for name, g := range grads {
		r.Require("norm."+name, func(s *mlx.Scope) mlx.Array { return s.NormL2(g, nil, false) })
	}
	whole := r.Named("grad.")
	require.NotEmpty(r.T, whole)
	for name := range whole {
		r.RequireClose("grad."+name, grads[name])
	}
}

// A model for training gives the logits that it gives otherwise, with a cache and
// without, one token included.
func TestLogitsWithoutCache(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []Option
	}{{"gqa", []Option{WithTraining()}}, {"gqa", nil}, {"mixed", []Option{WithTraining(), WithWeights(Packed)}}, {"mixed", []Option{WithTraining(), WithWeights(Dense)}}} {
		m := loadTest(t, tiny(t, c.name), c.opts...)
		leaktest.Do(t, func(th *mlx.Thread) {
			ref := readReference(t, th, c.name)
			batch, length := ref.shape[0], ref.shape[1]
			for _, l := range []int{length, 1} {
				logits, err := th.Build(func(s *mlx.Scope) mlx.Array {
					return m.Logits(s, mlx.Const(s, ref.columns(0, l), batch, l))
				})
				require.NoError(t, err)
				require.Equal(t, []int{batch, l, ref.shape[2]}, shapeOf(t, logits))
				have, err := mlx.Values[float32](th, logits)
				require.NoError(t, err)
				require.NoError(t, logits.Close())
				requireClose(t, ref.at(l-1), lastOf(have, batch, l), 1e-5, c.name)
			}
			kv := m.NewCache(th)
			defer kv.Close()
			whole := forward(t, th, m, kv, ref.tokens, batch, length)
			requireClose(t, ref.logits, whole, 1e-5, "with a cache")
		})
	}
}

// A model that was loaded for inference says that it cannot be trained; packed
// weights that are unpacked can.
func TestWithTraining(t *testing.T) {
	m := loadTest(t, tiny(t, "gqa"))
	leaktest.Do(t, func(th *mlx.Thread) {
		_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			_, grads := nn.ValueAndGrad(s, m.Parameters(), func(s *mlx.Scope) mlx.Array { return s.Scalar(0, mlx.Float32) })
			return grads
		})
		require.ErrorContains(t, err, "nn: model.embed_tokens.weight has no value to train or save")
	})
	m = loadTest(t, tiny(t, "mixed"), WithTraining(), WithWeights(Dense))
	require.Len(t, nn.Trainable(m.Module()), len(m.Parameters()))
	require.Contains(t, m.Parameters().Names(), "model.layers.1.self_attn.v_proj.weight")
	require.NoError(t, m.Close())
	require.Empty(t, m.Parameters())
}

// Steps of gradient descent lower the loss; whichever operation of one fails,
// nothing has changed; the trained model, saved, loads and generates the same.
func TestTrainLlama(t *testing.T) {
	leaktest.Check(t)
	dir := tiny(t, "gqa")
	m := loadTest(t, dir, WithTraining())
	leaktest.Do(t, func(th *mlx.Thread) {
		nn.Freeze(m.Module(), "model.layers.0")
		params := nn.Trainable(m.Module())
		require.NotContains(t, strings.Join(params.Names(), " "), "layers.0")
		ref := readReference(t, th, "gqa")
		first := trainStep(t, th, m, params, ref)
		handles, live := m.Parameters().Arrays(), mlx.Live()
		for n, more := 1, true; more; n++ {
			boom := fmt.Errorf("operation %d", n)
			th.FailAt(n, boom)
			loss, err := th.Build(func(s *mlx.Scope) mlx.Array { return descend(s, m, params, ref) })
			th.FailAt(0, nil)
			if more = err != nil; more {
				require.ErrorIs(t, err, boom)
				require.Equal(t, handles, m.Parameters().Arrays())
				require.Equal(t, live, mlx.Live())
			} else {
				require.Greater(t, n, 100)
				require.NoError(t, loss.Close())
			}
		}
		last := first
		for range 20 {
			last = trainStep(t, th, m, params, ref)
		}
		require.Less(t, last, first-0.1)
		require.Equal(t, live, mlx.Live())
		require.NoError(t, nn.Save(th, filepath.Join(dir, "model.safetensors"), m.Module()))
	})
	again := loadTest(t, dir)
	leaktest.Do(t, func(th *mlx.Thread) {
		ref := readReference(t, th, "gqa")
		want, have := m.NewCache(th), again.NewCache(th)
		defer want.Close()
		defer have.Close()
		b, l := ref.shape[0], ref.shape[1]
		requireClose(t, forward(t, th, m, want, ref.tokens, b, l), forward(t, th, again, have, ref.tokens, b, l), 1e-5, "reloaded")
	})
}

// descend assigns what a step of gradient descent makes of params.
func descend(s *mlx.Scope, m *Model, params nn.Tree, ref tinyReference) mlx.Array {
	tokens := mlx.Const(s, ref.tokens, ref.shape[:2]...)
	loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array { return nextToken(s, m, tokens) })
	for i, g := range grads {
		params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(s.Scalar(0.5, mlx.Float32), g)))
	}
	return loss
}

func trainStep(t *testing.T, th *mlx.Thread, m *Model, params nn.Tree, ref tinyReference) float32 {
	t.Helper()
	loss, err := th.Build(func(s *mlx.Scope) mlx.Array { return descend(s, m, params, ref) })
	require.NoError(t, err)
	defer loss.Close()
	require.NoError(t, th.Eval(params.Arrays()...))
	v, err := mlx.Item[float32](th, loss)
	require.NoError(t, err)
	return v
}
