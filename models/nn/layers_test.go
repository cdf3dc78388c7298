package nn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// acts are a prompt's activations [B, L, D] and a single step's [B, D].
var acts = []string{"prompt", "step"}

// each runs f for weights kept as they are and unpacked.
func each(t *testing.T, what any, f func(r *reference, unpack bool)) {
	for _, unpack := range []bool{false, true} {
		t.Run(fmt.Sprintf("%v unpack=%v", what, unpack), func(t *testing.T) {
			withReference(t, func(r *reference) { f(r, unpack) })
		})
	}
}

type one struct {
	Layer nn.Linear `weight:"a"`
}

// Every form of a linear layer is mlx.nn's, whether the model says its size or
// takes what it finds.
func TestLinearEqualsReference(t *testing.T) {
	outs := map[string]int{"plain": 48, "biased": 32, "other": 48, "q4": 48, "q5": 48, "q8": 48, "fp4": 48}
	for name, out := range outs {
		each(t, name, func(r *reference, unpack bool) {
			for _, m := range []*one{{}, {nn.Linear{In: 64, Out: out, NoBias: true}}} {
				r.load(m, unpack, "a="+name)
				o, in := m.Layer.Shape()
				require.Equal(r.t, []int{out, 64}, []int{o, in})
				for _, x := range acts {
					r.requireOutput(name+"."+x, x, m.Layer.Forward)
				}
			}
		})
	}
}

// Fused layers give what the layers give alone, joined or not: weights stored
// alike, weights stored differently, a bias in some or in none. Joined, the bias
// included, they are three operations; unpacked all can be.
func TestFusedEqualsReference(t *testing.T) {
	for _, c := range []struct {
		layers []string
		outs   []int
		joined bool
	}{
		{[]string{"plain", "biased"}, []int{48, 32}, true},
		{[]string{"biased", "plain"}, []int{32, 48}, true},
		{[]string{"plain", "plain"}, []int{48, 48}, true},
		{[]string{"other", "plain", "biased"}, []int{48, 48, 32}, true},
		{[]string{"q4", "q4b"}, []int{48, 48}, true},
		{[]string{"q8", "q8"}, []int{48, 48}, true},
		{[]string{"fp4", "fp4"}, []int{48, 48}, true},
		{[]string{"q4", "q4b", "q4"}, []int{48, 48, 48}, true},
		{[]string{"q4", "q8"}, []int{48, 48}, false},
		{[]string{"q4", "fp4"}, []int{48, 48}, false},
		{[]string{"plain", "q4"}, []int{48, 48}, false},
		{[]string{"q4", "plain"}, []int{48, 48}, false},
		{[]string{"q4", "q4b", "q5"}, []int{48, 48, 48}, false},
		{[]string{"other", "biased", "q8"}, []int{48, 32, 48}, false},
	} {
		each(t, c.layers, func(r *reference, unpack bool) {
			for _, want := range []nn.Fused{{}, {In: 64, Outs: c.outs, NoBias: true}} {
				f := r.loadFused(want, unpack, c.layers)
				for i, name := range c.layers {
					for _, x := range acts {
						before := r.th.Ops()
						r.requireOutput(name+"."+x, x, func(s *mlx.Scope, x mlx.Array) mlx.Array { return f.Forward(s, x)[i] })
						if c.joined || unpack {
							require.LessOrEqual(r.t, r.th.Ops()-before, 3, "operations")
						}
					}
				}
			}
		})
	}
}

// loadFused loads two or three layers as one.
func (r *reference) loadFused(f nn.Fused, unpack bool, layers []string) *nn.Fused {
	r.t.Helper()
	as := make([]string, len(layers))
	for i, name := range layers {
		as[i] = string(rune('a'+i)) + "=" + name
	}
	if len(layers) == 2 {
		m := &struct {
			Layer nn.Fused `weight:"a,b"`
		}{f}
		r.load(m, unpack, as...)
		return &m.Layer
	}
	m := &struct {
		Layer nn.Fused `weight:"a,b,c"`
	}{f}
	r.load(m, unpack, as...)
	return &m.Layer
}

// After an error there are no parts, and nothing to take apart.
func TestPartsAfterError(t *testing.T) {
	a, b := nn.Two(nil)
	require.True(t, a.IsNull() && b.IsNull())
	a, b, c := nn.Three(nil)
	require.True(t, a.IsNull() && b.IsNull() && c.IsNull())
}

type embedding struct {
	Layer nn.Embedding `weight:"a"`
}

// Vectors of ids and logits of vectors, from one weight, dense or packed.
func TestEmbeddingEqualsReference(t *testing.T) {
	for _, name := range []string{"dense", "packed", "packedfp4"} {
		each(t, name, func(r *reference, unpack bool) {
			for _, m := range []*embedding{{}, {nn.Embedding{Vocab: 40, Dims: 64}}} {
				r.load(m, unpack, "a="+name)
				vocab, dim := m.Layer.Shape()
				require.Equal(r.t, []int{40, 64}, []int{vocab, dim})
				for _, ids := range []string{"ids", "id"} {
					r.requireOutput(name+"."+ids, ids, m.Layer.Forward)
				}
				for _, x := range acts {
					r.requireOutput(name+"."+x, x, m.Layer.AsLinear)
				}
			}
		})
	}
}

func TestRMSNormEqualsReference(t *testing.T) {
	type norm struct {
		Layer nn.RMSNorm `weight:"a"`
	}
	for name, eps := range map[string]float32{"norm": 1e-5, "loosenorm": 0.5} {
		withReference(t, func(r *reference) {
			for _, dims := range []int{0, 64} {
				m := &norm{nn.RMSNorm{Dims: dims, Eps: eps}}
				r.load(m, false, "a="+name)
				for _, x := range acts {
					r.requireOutput(name+"."+x, x, m.Layer.Forward)
				}
			}
		})
	}
}

// The weights of a half-precision policy are of that type, and so is what comes
// out; packed or not.
func TestPolicyDtype(t *testing.T) {
	for _, dtype := range []mlx.Dtype{mlx.Float16, mlx.BFloat16} {
		for _, name := range []string{"biased", "q4"} {
			each(t, fmt.Sprint(name, " ", dtype), func(r *reference, unpack bool) {
				m := new(one)
				err := nn.Load(r.t.Context(), r.th, m, r.checkpoint("a="+name), nn.Policy{Dtype: dtype, Unpack: unpack}, r.owner)
				require.NoError(r.t, err)
				y, err := r.th.Build(func(s *mlx.Scope) mlx.Array {
					return m.Layer.Forward(s, s.AsType(r.arrays["in.step"], dtype))
				})
				require.NoError(r.t, err)
				have, err := y.Dtype()
				require.NoError(r.t, err)
				require.Equal(r.t, dtype, have)
				require.NoError(r.t, y.Close())
			})
		}
	}
}
