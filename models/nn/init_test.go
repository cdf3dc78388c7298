package nn_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// After the same seed the values are those that mlx.nn makes, and so are the names
// and values of a saved file.
func TestInitEqualsMLXNN(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		m := &struct {
			Encoder   *nn.TransformerEncoder `weight:"encoder"`
			Conv      nn.Conv2d              `weight:"conv"`
			Embedding nn.Embedding           `weight:"embedding"`
			Bilinear  nn.Bilinear            `weight:"bilinear"`
		}{nn.NewTransformerEncoder(1, 8, 2), nn.Conv2d{In: 4, Out: 6, Kernel: nn.Both(3), Groups: 2},
			nn.Embedding{Vocab: 5, Dims: 8}, nn.Bilinear{In1: 3, In2: 2, Out: 4}}
		require.NoError(t, nn.Init(r.Thread, m, 5, owner))
		params := nn.Parameters(m)
		require.Len(t, params, len(r.Named("init/")))
		for name, a := range params.All() {
			r.RequireClose("init/"+name, a)
		}

		// The file has what model.save_weights would put into it.
		path := filepath.Join(t.TempDir(), "model.safetensors")
		require.NoError(t, nn.Save(r.Thread, path, m))
		saved, metadata, err := mlx.LoadSafetensors(r.Thread, path)
		require.NoError(t, err)
		defer mlx.CloseAll(slices.Collect(maps.Values(saved))...)
		require.Equal(t, map[string]string{"format": "mlx"}, metadata)
		require.Len(t, saved, len(params))
		for name, a := range saved {
			r.RequireClose("init/"+name, a)
		}
	})
}

// A second Init replaces the values; one that fails changes nothing; half
// precision is half precision.
func TestInitAgain(t *testing.T) {
	withClassifier(t, func(th *mlx.Thread, m *classifier, owner *mlx.Owner) {
		first := values(t, th, nn.Parameters(m))
		for n, more := 1, true; more; n++ {
			boom := fmt.Errorf("operation %d", n)
			th.FailAt(n, boom)
			err := nn.Init(th, m, 2, owner)
			th.FailAt(0, nil)
			if more = err != nil; more {
				require.ErrorIs(t, err, boom)
				require.Equal(t, first, values(t, th, nn.Parameters(m)))
			} else {
				require.Greater(t, n, 20)
			}
		}
		second := values(t, th, nn.Parameters(m))
		require.NotEqual(t, first["layers.1.up.weight"], second["layers.1.up.weight"])
		require.NoError(t, nn.Init(th, m, 1, owner))
		require.Equal(t, first, values(t, th, nn.Parameters(m)))
		m.Block[0].Rope, m.Block[1].Rope = nn.RoPE{Dims: 16}, nn.RoPE{Dims: 16, Traditional: true} // nothing to keep
		live := mlx.Live()
		require.NoError(t, nn.Init(th, m, 1, owner, nn.WithDtype(mlx.BFloat16)))
		require.Equal(t, live, mlx.Live(), "old values are freed")
		for name, a := range nn.Parameters(m).All() {
			dtype, err := a.Dtype()
			require.NoError(t, err)
			require.Equal(t, mlx.BFloat16, dtype, name)
		}
	})
}

func TestInitWantsSizes(t *testing.T) {
	leaktest.Do(t, func(th *mlx.Thread) {
		owner := th.NewOwner("model")
		defer owner.Close()
		err := nn.Init(th, &one{}, 1, owner)
		require.EqualError(t, err, "nn: init a.weight: shape [0 0]: every size must be given")
		err = nn.Init(th, &one{nn.Linear{In: 3, Out: -1}}, 1, owner)
		require.ErrorContains(t, err, "nn: init a.weight: shape [-1 3]")
	})
}
