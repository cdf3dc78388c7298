package nn_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// sequence is the model of the quantize cases of testdata/mlxnn.py.
type sequence struct {
	Linear nn.Linear    `weight:"layers.0"`
	Embed  nn.Embedding `weight:"layers.1"`
}

var modes = map[string]nn.Quantisation{
	"affine": {GroupSize: 64, Bits: 4, Mode: "affine"}, "mxfp4": {GroupSize: 32, Bits: 4, Mode: "mxfp4"},
	"mxfp8": {GroupSize: 32, Bits: 8, Mode: "mxfp8"}, "nvfp4": {GroupSize: 16, Bits: 4, Mode: "nvfp4"},
}

// requireQuantised compares parameters and outputs with the packed modules'.
func requireQuantised(r *reftest.Reference, mode string, m *sequence) {
	r.T.Helper()
	packed := r.Named("quantize." + mode + "/q.")
	params := nn.Parameters(m)
	require.Len(r.T, params, len(packed), "%s: %v", mode, params.Names())
	for name, a := range params.All() {
		r.RequireClose("quantize."+mode+"/q."+name, a)
	}
	require.Equal(r.T, []string{"layers.0.bias"}, nn.Trainable(m).Names())
	in := r.Inputs("quantize." + mode)
	r.Require("quantize."+mode+"/out", func(s *mlx.Scope) mlx.Array { return m.Linear.Forward(s, in[0]) })
	r.Require("quantize."+mode+"/as_linear", func(s *mlx.Scope) mlx.Array { return m.Embed.AsLinear(s, in[0]) })
	r.Require("quantize."+mode+"/rows", func(s *mlx.Scope) mlx.Array {
		rows := m.Embed.Forward(s, mlx.Const(s, []int32{3, 31})) // in the model's dtype; mlx.nn's are bfloat16 for small floats
		require.Equal(r.T, mlx.Float32, s.DtypeOf(rows))
		return s.AsType(rows, s.DtypeOf(r.Arrays["quantize."+mode+"/rows"]))
	})
}

// Quantize makes the words, scales and biases of mlx.nn.quantize, of weights
// that are kept for training or for inference; a file of them loads again.
func TestQuantizeEqualsMLXNN(t *testing.T) {
	for mode, q := range modes {
		for _, trainable := range []bool{true, false} {
			t.Run(fmt.Sprint(mode, " trainable=", trainable), func(t *testing.T) {
				reftest.Do(t, mlxnn, func(r *reftest.Reference) {
					owner := r.Thread.NewOwner("model")
					defer owner.Close()
					policy := nn.Policy{Dtype: mlx.Float32, Trainable: trainable}
					m := new(sequence)
					weights := nn.Arrays{Named: r.Named("quantize." + mode + "/w.")}
					require.NoError(t, nn.Load(t.Context(), r.Thread, m, weights, policy, owner))
					require.NoError(t, nn.Quantize(r.Thread, m, nn.Quantisation{Mode: mode}, owner, nil))
					requireQuantised(r, mode, m)

					path := filepath.Join(t.TempDir(), "model.safetensors")
					require.NoError(t, nn.Save(r.Thread, path, m))
					again := new(sequence)
					require.NoError(t, nn.LoadFile(t.Context(), r.Thread, path, again, policy, owner, nn.WithQuantisation(q)))
					requireQuantised(r, mode, again)
					err := nn.LoadFile(t.Context(), r.Thread, path, new(sequence), policy, owner)
					require.ErrorContains(t, err, "is packed, and its quantisation is not given")
				})
			})
		}
	}
}

// Layers that are not chosen stay dense. Fused layers are packed together or by
// part; their outputs are those of one after the other.
func TestQuantizeChooses(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		weights := nn.Arrays{Named: map[string]mlx.Array{
			"a.weight": r.Arrays["quantize.affine/w.layers.0.weight"], "a.bias": r.Arrays["quantize.affine/w.layers.0.bias"],
			"b.weight": r.Arrays["quantize.affine/w.layers.1.weight"], "c.weight": r.Arrays["quantize.affine/w.layers.1.weight"],
		}}
		var outs [2][]float32
		for i, trainable := range []bool{true, false} {
			m := &struct {
				AB nn.Fused  `weight:"a,b"`
				C  nn.Linear `weight:"c"`
			}{}
			require.NoError(t, nn.Load(t.Context(), r.Thread, m, weights, nn.Policy{Dtype: mlx.Float32, Trainable: trainable}, owner))
			require.NoError(t, nn.Quantize(r.Thread, m, nn.Quantisation{Bits: 8}, owner, func(layer string) bool { return layer != "c" }))
			c := nn.Parameters(m).Under("c")
			require.Equal(t, []string{"c.weight"}, c.Names())
			require.Equal(t, !trainable, c[0].Array().IsNull())
			y, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array {
				return s.ConcatenateAxis(m.AB.Forward(s, r.Inputs("quantize.affine")[0]), -1)
			})
			require.NoError(t, err)
			outs[i], err = mlx.Values[float32](r.Thread, y)
			require.NoError(t, err)
			require.NoError(t, y.Close())
		}
		require.InDeltaSlice(t, outs[0], outs[1], 1e-5)
	})
}

// A model whose rows do not fit, or an operation of which fails, is as it was.
func TestQuantizeFails(t *testing.T) {
	reftest.Do(t, mlxnn, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		m := new(sequence)
		loadTrainable(r, "quantize.affine", m, owner)
		params := nn.Parameters(m)
		err := nn.Quantize(r.Thread, m, nn.Quantisation{GroupSize: 128}, owner, nil)
		require.ErrorContains(t, err, "layers.0: groups of 128 do not divide a row of 64")
		err = nn.Quantize(r.Thread, m, nn.Quantisation{Mode: "int3"}, owner, nil)
		require.EqualError(t, err, `nn: quantisation mode "int3" is none of affine, mxfp4, mxfp8 and nvfp4`)
		live := mlx.Live()
		for n := 1; ; n++ {
			r.Thread.FailAt(n, nil)
			err := nn.Quantize(r.Thread, m, nn.Quantisation{}, owner, nil)
			r.Thread.FailAt(0, nil)
			if err == nil {
				require.GreaterOrEqual(t, n, 3)
				break
			}
			require.ErrorContains(t, err, "injected failure")
			require.Equal(t, params.Arrays(), nn.Parameters(m).Arrays())
			require.Equal(t, live, mlx.Live())
		}
		requireQuantised(r, "affine", m)
	})
}
