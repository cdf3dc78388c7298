package nn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// block and net are a model of the usual shape.
type block struct {
	QKV  nn.Fused   `weight:"self_attn.q,self_attn.k,self_attn.v"`
	Norm nn.RMSNorm `weight:"norm"`
	Gate *nn.Linear `weight:"gate"` // nil where a model has none
}

type net struct {
	Embed  nn.Embedding `weight:"model.embed"`
	Layers []*block     `weight:"model.layers"`
	Inner  struct {
		Norm nn.RMSNorm `weight:"norm"`
		Rope nn.RoPE    `weight:""`
	} `weight:"model"`
	Head     *nn.Linear `weight:"head"`
	hidden   nn.Linear  `weight:"hidden"` // not Load's
	Untagged nn.Linear
}

func newNet(layers int) *net {
	n := &net{Embed: nn.Embedding{Dims: 64}}
	for range layers {
		n.Layers = append(n.Layers, &block{})
	}
	n.Layers[0].Gate = new(nn.Linear)
	n.Inner.Rope = nn.RoPE{Dims: 16, Base: 10000}
	return n
}

// netLayers is where the weights of a net come from.
func netLayers(layers int) []string {
	out := []string{"model.embed=packed", "model.norm=norm", "model.layers.0.gate=q8"}
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		out = append(out, p+"self_attn.q=plain", p+"self_attn.k=biased", p+"self_attn.v=biased", p+"norm=norm")
	}
	return out
}

func loadNet(r *reference, m any, c checkpoint, opts ...nn.LoadOption) error {
	return nn.Load(r.t.Context(), r.th, m, c, nn.Policy{Dtype: mlx.Float32}, r.owner, opts...)
}

// Weights find their way along structs, slices and pointers; what is nil, hidden
// or has no tag is not asked for. The progress names every layer in order.
func TestLoadWalksTheModel(t *testing.T) {
	withReference(t, func(r *reference) {
		m := newNet(2)
		var done []string
		err := loadNet(r, m, r.checkpoint(netLayers(2)...), nn.WithProgress(func(name string) { done = append(done, name) }))
		require.NoError(t, err)
		require.Equal(t, []string{
			"model.embed",
			"model.layers.0.self_attn.q,self_attn.k,self_attn.v", "model.layers.0.norm", "model.layers.0.gate",
			"model.layers.1.self_attn.q,self_attn.k,self_attn.v", "model.layers.1.norm",
			"model.norm", "model.",
		}, done)
		for _, l := range m.Layers {
			r.requireOutput("biased.prompt", "prompt", func(s *mlx.Scope, x mlx.Array) mlx.Array {
				_, _, v := nn.Three(l.QKV.Forward(s, x))
				return v
			})
		}
		r.requireOutput("q8.step", "step", m.Layers[0].Gate.Forward)
		r.requireOutput("norm.step", "step", m.Inner.Norm.Forward)
		require.Nil(t, m.Head)
		for _, l := range []*nn.Linear{&m.hidden, &m.Untagged} {
			out, in := l.Shape()
			require.Equal(t, 0, out+in)
		}
	})
}

// The error tells everything that is wrong with a checkpoint at once.
func TestLoadListsFaults(t *testing.T) {
	withReference(t, func(r *reference) {
		c := r.checkpoint(netLayers(2)...)
		delete(c, "model.norm.weight")
		delete(c, "model.layers.1.self_attn.k.weight")
		c["model.layers.2.norm.weight"] = c["model.layers.0.norm.weight"]
		c["model.layers.0.norm.weight"] = r.checkpoint("a=plain")["a.weight"]
		c["model.layers.0.self_attn.v.bias"] = c["model.layers.1.norm.weight"]
		c["head.weight"] = r.checkpoint("a=plain")["a.weight"]
		m := newNet(2)
		m.Embed.Vocab = 41
		require.EqualError(t, loadNet(r, m, c), strings.Join([]string{
			"nn: weights missing: model.layers.1.self_attn.k.weight, model.norm.weight",
			"nn: weights not part of the model: head.weight, model.layers.2.norm.weight",
			"nn: weights of the wrong shape: model.embed.weight has shape [40 64], want [41 64]," +
				" model.layers.0.norm.weight has shape [48 64], want [0]," +
				" model.layers.0.self_attn.v.bias has shape [64], want [32]",
		}, "\n"))
	})
}

// Long lists are cut at eight names, each for itself.
func TestLoadCutsLongLists(t *testing.T) {
	withReference(t, func(r *reference) {
		err := loadNet(r, newNet(12), r.checkpoint(append(netLayers(2), "x=norm")...))
		var want []string
		for _, name := range []string{"norm", "self_attn.k", "self_attn.q", "self_attn.v"} {
			want = append(want, "model.layers.10."+name+".weight")
		}
		for _, name := range []string{"norm", "self_attn.k", "self_attn.q", "self_attn.v"} {
			want = append(want, "model.layers.11."+name+".weight")
		}
		require.EqualError(t, err, "nn: weights missing: "+strings.Join(want, ", ")+" and 32 more\n"+
			"nn: weights not part of the model: x.weight")

		c := r.checkpoint(netLayers(2)...)
		for i := range 8 {
			c[fmt.Sprintf("x.%d", i)] = c["model.norm.weight"]
		}
		err = loadNet(r, newNet(2), c)
		require.EqualError(t, err, "nn: weights not part of the model: x.0, x.1, x.2, x.3, x.4, x.5, x.6, x.7")
		c["x.8"] = c["model.norm.weight"]
		require.EqualError(t, loadNet(r, newNet(2), c), err.Error()+" and 1 more")
	})
}

// Layers of one input must have inputs of one size.
func TestFusedRefusesShapes(t *testing.T) {
	type fused struct {
		Layer nn.Fused `weight:"a,b"`
	}
	withReference(t, func(r *reference) {
		narrow, err := r.th.Zeros(mlx.Float32, 48, 63)
		require.NoError(t, err)
		defer narrow.Close()
		c := r.checkpoint("a=plain")
		c["b.weight"] = denseTensor{narrow}
		for _, f := range []nn.Fused{{}, {In: 64}, {Outs: []int{48, 48}, NoBias: true}, {In: 64, Outs: []int{48, 48}, NoBias: true}} {
			err := loadNet(r, &fused{f}, c)
			require.ErrorContains(t, err, "nn: weights of the wrong shape: b.weight has shape [48 63], want [", "%+v", f)
		}
		err = loadNet(r, &fused{nn.Fused{Outs: []int{48, 32}, NoBias: true}}, r.checkpoint("a=plain", "b=plain"))
		require.EqualError(t, err, "nn: weights of the wrong shape: b.weight has shape [48 64], want [32 0]")
		c = r.checkpoint("a=plain")
		c["b.weight"] = denseTensor{r.arrays["norm.weight"]}
		err = loadNet(r, &fused{}, c)
		require.EqualError(t, err, "nn: weights of the wrong shape: b.weight has shape [64], want [0 0]")
	})
}

// broken is a tensor whose file cannot be read.
type broken struct {
	nn.Tensor
	err error
}

func (b broken) Dense(*mlx.Thread, mlx.Dtype) (mlx.Array, error) { return mlx.Array{}, b.err }

// An error of reading ends the loading, names the layer, and leaves nothing open
// once the owner is closed; withReference counts.
func TestLoadReadError(t *testing.T) {
	for name, want := range map[string]string{
		"model.layers.1.self_attn.v.weight": "nn: model.layers.1.self_attn.q,self_attn.k,self_attn.v: the disk is on fire",
		"model.layers.1.self_attn.k.bias":   "nn: model.layers.1.self_attn.q,self_attn.k,self_attn.v: the disk is on fire",
		"model.norm.weight":                 "nn: model.norm: the disk is on fire",
		"model.layers.0.gate.weight":        "nn: model.layers.0.gate: the disk is on fire",
	} {
		withReference(t, func(r *reference) {
			c := r.checkpoint(netLayers(2)...)
			fire := errors.New("the disk is on fire")
			c[name] = broken{c[name], fire}
			err := loadNet(r, newNet(2), c)
			require.EqualError(t, err, want)
			require.ErrorIs(t, err, fire)
		})
	}
}

// Whichever operation of the loading fails, its error comes back and nothing
// stays open.
func TestLoadEveryOperationMayFail(t *testing.T) {
	for n, more := 1, true; more; n++ {
		withReference(t, func(r *reference) {
			c := r.checkpoint(netLayers(1)...)
			boom := fmt.Errorf("operation %d", n)
			r.th.FailAt(n, boom)
			err := loadNet(r, newNet(1), c)
			r.th.FailAt(0, nil)
			if more = err != nil; more {
				require.ErrorIs(t, err, boom)
				require.ErrorContains(t, err, "nn: model.")
			} else {
				require.Greater(t, n, 15)
			}
		})
	}
}

// A cancelled context ends the loading before the next layer.
func TestLoadCancelled(t *testing.T) {
	for after := range 4 {
		withReference(t, func(r *reference) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := 0
			if after == 0 {
				cancel()
			}
			err := nn.Load(ctx, r.th, newNet(2), r.checkpoint(netLayers(2)...), nn.Policy{Dtype: mlx.Float32}, r.owner,
				nn.WithProgress(func(string) {
					if done++; done == after {
						cancel()
					}
				}))
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, after, done)
		})
	}
}

// A layer whose sizes are given wants its bias, unless it has none.
func TestLoadWantsBias(t *testing.T) {
	withReference(t, func(r *reference) {
		err := loadNet(r, &one{nn.Linear{In: 64, Out: 48}}, r.checkpoint("a=plain"))
		require.ErrorContains(t, err, "nn: weights missing: a.bias")
		type pair struct {
			Layer nn.Fused `weight:"a,b"`
		}
		err = loadNet(r, &pair{nn.Fused{Outs: []int{48, 48}}}, r.checkpoint("a=plain", "b=plain"))
		require.ErrorContains(t, err, "nn: weights missing: a.bias, b.bias")
		require.NoError(t, loadNet(r, &one{nn.Linear{In: 64, Out: 48, NoBias: true}}, r.checkpoint("a=plain")))
	})
}
