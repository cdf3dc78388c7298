package nn_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// What Save writes Load reads, into a model for training and into one for
// inference, which gives the same logits; and Load again replaces.
func TestSaveAndLoad(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, owner *mlx.Owner) {
		path := filepath.Join(t.TempDir(), "model.safetensors")
		require.NoError(t, nn.Save(th, path, m))
		want, saved := m.logits(t, th), values(t, th, nn.Parameters(m))
		for _, trainable := range []bool{true, false} {
			other := newClassifier()
			policy := nn.Policy{Dtype: mlx.Float32, Trainable: trainable}
			for range 2 {
				require.NoError(t, nn.LoadFile(t.Context(), th, path, other, policy, owner))
				require.InDeltaSlice(t, want, other.logits(t, th), 1e-5)
				require.Equal(t, classifierNames, nn.Parameters(other).Names())
			}
			if trainable {
				require.Equal(t, saved, values(t, th, nn.Parameters(other)))
				continue
			}
			err := nn.Save(th, path, other)
			require.ErrorContains(t, err, "nn: embed.weight has no value to train or save")
			_, err = other.step(th, nn.Trainable(other))
			require.ErrorContains(t, err, "loaded without Policy.Trainable")
			err = nn.Init(th, other, 1, owner)
			require.ErrorContains(t, err, "nn: embed.weight has no value to train or save")
		}
	})
}

func TestLoadFileErrors(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, owner *mlx.Owner) {
		policy := nn.Policy{Dtype: mlx.Float32, Trainable: true}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		require.ErrorContains(t, nn.LoadFile(t.Context(), th, path, m, policy, owner), path)
		require.NoError(t, nn.Save(th, path, m))
		err := nn.LoadFile(t.Context(), th, path, &one{}, policy, owner)
		require.ErrorContains(t, err, path+": nn: weights missing: a.weight\nnn: weights not part of the model: embed.weight, gain, ")
	})
}

// Whichever operation of loading for training fails, its error comes back and
// nothing stays open; then the model loads.
func TestLoadForTrainingMayFail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	withClassifier(t, func(th *mlx.Thread, m *classifier, _ *mlx.Owner) { require.NoError(t, nn.Save(th, path, m)) })
	for n, more := 1, true; more; n++ {
		withClassifier(t, func(th *mlx.Thread, _ *classifier, owner *mlx.Owner) {
			boom := fmt.Errorf("operation %d", n)
			th.FailAt(n, boom)
			err := nn.LoadFile(t.Context(), th, path, newClassifier(), nn.Policy{Dtype: mlx.Float32, Trainable: true}, owner)
			th.FailAt(0, nil)
			if more = err != nil; more {
				require.ErrorIs(t, err, boom)
			} else {
				require.Greater(t, n, 20)
			}
		})
	}
}
