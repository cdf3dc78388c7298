package nn_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// switches is what testdata/switch.py dumped.
const switches = "testdata/switch.safetensors"

// inputs that run in the order of the tokens, sorted by their experts, and as a
// step.
var routings = []string{"few", "many", "step"}

func oai(s *mlx.Scope, gate, up mlx.Array) mlx.Array { return nn.SwiGLUOAI(s, gate, up, 1.702, 7) }

// newGLU is the module of a case.
func newGLU(experts, dims, hidden int, biased bool) *nn.SwitchGLU {
	g := nn.NewSwitchGLU(experts, dims, hidden)
	g.GateUp.NoBias, g.Down.NoBias = !biased, !biased
	return &g
}

func gluOf(g *nn.SwitchGLU) subject {
	return subject{g, func(s *mlx.Scope, in []mlx.Array) mlx.Array { return g.Forward(s, in[0], in[1]) }}
}

// Outputs and gradients of experts are those of mlx_lm, few tokens and many,
// whether their weights are kept for training or joined.
func TestSwitchGLUEqualsMLXLM(t *testing.T) {
	for _, kind := range []string{"plain", "biased"} {
		for _, routing := range routings {
			name := "glu." + kind + "." + routing
			reftest.Do(t, switches, func(r *reftest.Reference) {
				glu := newGLU(4, 8, 12, kind == "biased")
				if kind == "biased" {
					glu.Activation = oai
				}
				requireLayer(r, name, gluOf(glu))

				owner := r.Thread.NewOwner("inference")
				defer owner.Close()
				weights := nn.Arrays{Named: r.Named(name + "/w.")}
				require.NoError(t, nn.Load(t.Context(), r.Thread, glu, weights, nn.Policy{Dtype: mlx.Float32}, owner))
				r.RequireGradients(name, gluOf(glu).forward) // by the inputs
				require.Empty(t, nn.Parameters(glu)[0].Array())
			})
		}
	}
}

// Packed experts are those of mlx.nn.quantize in every mode: made here, loaded as
// they are, and unpacked.
func TestSwitchGLUPacked(t *testing.T) {
	for mode, q := range map[string]nn.Quantisation{
		"affine": {GroupSize: 32, Bits: 4, Mode: "affine"}, "mxfp4": modes["mxfp4"], "mxfp8": modes["mxfp8"], "nvfp4": modes["nvfp4"],
	} {
		for _, trainable := range []bool{true, false} {
			t.Run(fmt.Sprint(mode, " trainable=", trainable), func(t *testing.T) {
				reftest.Do(t, switches, func(r *reftest.Reference) {
					owner := r.Thread.NewOwner("model")
					defer owner.Close()
					policy := nn.Policy{Dtype: mlx.Float32, Trainable: trainable}
					m := newGLU(3, 32, 32, true)
					require.NoError(t, nn.Load(t.Context(), r.Thread, m, nn.Arrays{Named: r.Named("packed/w.")}, policy, owner))
					require.NoError(t, nn.Quantize(r.Thread, m, q, owner, nil))
					requirePackedGLU(r, mode, m)

					packed := r.Named("packed." + mode + "/q.")
					if trainable {
						require.Equal(t, []string{"gate_proj.bias", "up_proj.bias", "down_proj.bias"}, nn.Trainable(m).Names())
						for name, a := range nn.Parameters(m).All() {
							if !strings.HasSuffix(name, "bias") {
								r.RequireClose("packed."+mode+"/q."+name, a)
							}
						}
					}
					for name, a := range r.Named("packed/w.") {
						if strings.HasSuffix(name, "bias") {
							packed[name] = a
						}
					}
					for _, unpack := range []bool{false, true} {
						policy.Unpack = unpack
						again := newGLU(3, 32, 32, true)
						weights := nn.Arrays{Named: packed, Quantisation: q}
						require.NoError(t, nn.Load(t.Context(), r.Thread, again, weights, policy, owner))
						requirePackedGLU(r, mode, again)
					}
				})
			})
		}
	}
}

func requirePackedGLU(r *reftest.Reference, mode string, m *nn.SwitchGLU) {
	r.T.Helper()
	for _, routing := range routings {
		in := r.Inputs("packed." + routing)
		r.Require("packed."+mode+"/"+routing, func(s *mlx.Scope) mlx.Array { return m.Forward(s, in[0], in[1]) })
	}
}

// New experts are drawn as mlx_lm draws them.
func TestSwitchLinearInit(t *testing.T) {
	reftest.Do(t, switches, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		l := &nn.SwitchLinear{Experts: 3, In: 8, Out: 6}
		require.NoError(t, nn.Init(r.Thread, l, 5, owner))
		params := nn.Trainable(l)
		require.Equal(t, []string{"weight", "bias"}, params.Names())
		for name, a := range params.All() {
			r.RequireClose("init/"+name, a)
		}
		shapes, err := nn.Shapes(&nn.SwitchLinear{Experts: 3, In: 8, Out: 6, NoBias: true})
		require.NoError(t, err)
		require.Equal(t, []nn.Shape{{Name: "weight", Shape: []int{3, 6, 8}, Quantisable: true, Experts: 3}}, shapes)
	})
}

// Among equal scores the experts are those that mlx_lm takes.
func TestTopKBreaksTies(t *testing.T) {
	reftest.Do(t, switches, func(r *reftest.Reference) {
		for _, k := range []int{1, 3, 8} {
			x := r.Arrays["ties/in"]
			r.Require(fmt.Sprintf("ties/last.%d", k), func(s *mlx.Scope) mlx.Array { return nn.TopK(s, x, k) })
			r.Require(fmt.Sprintf("ties/negated.%d", k), func(s *mlx.Scope) mlx.Array { return nn.TopKNegated(s, x, k) })
		}
		in := r.Inputs("mix")
		r.Require("mix/out", func(s *mlx.Scope) mlx.Array { return nn.Mix(s, in[0], in[1]) })
	})
}

// Experts without weights, or without a number, are an error and no crash.
func TestSwitchLinearRefuses(t *testing.T) {
	reftest.Do(t, switches, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		m := newGLU(3, 32, 32, true)
		policy := nn.Policy{Dtype: mlx.Float32}
		forward := func() error {
			in := r.Inputs("packed.few")
			y, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array { return m.Forward(s, in[0], in[1]) })
			return errors.Join(err, y.Close())
		}
		require.ErrorContains(t, forward(), "nn: a layer of experts has no weights")
		packed := r.Named("packed.affine/q.")
		for name, a := range r.Named("packed/w.") {
			if strings.HasSuffix(name, "bias") {
				packed[name] = a
			}
		}
		weights := nn.Arrays{Named: packed, Quantisation: nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "affine"}}
		require.NoError(t, nn.Load(t.Context(), r.Thread, m, weights, policy, owner))
		require.NoError(t, forward())
		require.NoError(t, owner.Close())
		require.ErrorContains(t, forward(), "nn: a layer of experts has no weights")

		err := nn.Load(t.Context(), r.Thread, newGLU(5, 32, 32, true), weights, policy, owner)
		require.ErrorContains(t, err, "down_proj.weight has shape [3 32 32], want [5 32 32]")
		err = nn.Load(t.Context(), r.Thread, newGLU(0, 32, 32, true), weights, policy, owner)
		require.ErrorContains(t, err, "the number of experts must be given")
	})
}
