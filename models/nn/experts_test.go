package nn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// single takes stacks apart: "gate_proj.weight" [E, out, in] becomes
// "mlp.experts.0.gate_proj.weight" and so on.
func single(r *reftest.Reference, named map[string]mlx.Array, experts int, owner *mlx.Owner) map[string]mlx.Array {
	r.T.Helper()
	out := map[string]mlx.Array{}
	for name, a := range named {
		parts, err := r.Thread.BuildAll(func(s *mlx.Scope) []mlx.Array {
			parts := s.Split(a, experts, 0)
			for i := range parts {
				parts[i] = s.SqueezeAxis(parts[i], 0)
			}
			return parts
		})
		require.NoError(r.T, err)
		for i, p := range parts {
			owner.Keep(p)
			out[fmt.Sprintf("mlp.experts.%d.%s", i, name)] = p
		}
	}
	return out
}

// mixture is a model of experts and something beside them.
type mixture struct {
	Experts nn.SwitchGLU `weight:"mlp.switch_mlp"`
	Router  nn.Linear    `weight:"mlp.router"`
}

func newMixture() *mixture { return &mixture{Experts: *newGLU(3, 32, 32, true)} }

// withMixture gives the weights of single experts, packed in a mode or dense.
func withMixture(t *testing.T, mode string, f func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner)) {
	t.Helper()
	reftest.Do(t, switches, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		named := r.Named("packed/w.")
		router := named["gate_proj.bias"]
		for name, a := range r.Named("packed." + mode + "/q.") {
			named[name] = a
		}
		w := nn.Arrays{Named: single(r, named, 3, owner), Quantisation: modes[mode]}
		w.Quantisation.GroupSize = min(32, w.Quantisation.GroupSize)
		w.Named["mlp.router.weight"] = router
		f(r, w, owner)
	})
}

func loadMixture(r *reftest.Reference, w nn.Weights, unpack bool, owner *mlx.Owner) (*mixture, error) {
	m := newMixture()
	policy := nn.Policy{Dtype: mlx.Float32, Unpack: unpack}
	return m, nn.Load(r.T.Context(), r.Thread, m, nn.StackExperts(w, 3), policy, owner)
}

// Checkpoints of single experts are those of stacks, packed or not.
func TestStackExperts(t *testing.T) {
	for _, mode := range []string{"affine", "mxfp4", "mxfp8", "nvfp4"} {
		for _, unpack := range []bool{false, true} {
			withMixture(t, mode, func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
				m, err := loadMixture(r, w, unpack, owner)
				require.NoError(t, err)
				requirePackedGLU(r, mode, &m.Experts)
			})
		}
	}
	reftest.Do(t, switches, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		name := "glu.biased.many"
		w := nn.StackExperts(nn.Arrays{Named: single(r, r.Named(name+"/w."), 4, owner)}, 4)
		require.Equal(t, []string{
			"mlp.switch_mlp.down_proj.bias", "mlp.switch_mlp.down_proj.weight", "mlp.switch_mlp.gate_proj.bias",
			"mlp.switch_mlp.gate_proj.weight", "mlp.switch_mlp.up_proj.bias", "mlp.switch_mlp.up_proj.weight",
		}, w.Names())
		m := &struct {
			Experts *nn.SwitchGLU `weight:"mlp.switch_mlp"`
		}{newGLU(4, 8, 12, true)}
		m.Experts.Activation = oai
		require.NoError(t, nn.Load(t.Context(), r.Thread, m, w, nn.Policy{Dtype: mlx.Float32, Trainable: true}, owner))
		r.RequireGradients(name, gluOf(m.Experts).forward)
		for name, a := range nn.Parameters(m).All() {
			r.RequireClose("glu.biased.many/w."+strings.TrimPrefix(name, "mlp.switch_mlp."), a)
		}
	})
}

// The error lists the experts that are missing by the checkpoint's names, those
// that are too many, and those that differ from the others.
func TestStackExpertsListsFaults(t *testing.T) {
	withMixture(t, "affine", func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		n := w.Named
		n["mlp.experts.3.up_proj.weight"] = n["mlp.experts.2.up_proj.weight"]
		n["mlp.experts.x.up_proj.weight"] = n["mlp.experts.2.up_proj.bias"]
		n["mlp.experts.01.up_proj.weight"] = n["mlp.experts.2.up_proj.bias"]
		delete(n, "mlp.experts.1.gate_proj.weight")
		delete(n, "mlp.experts.0.gate_proj.weight")
		delete(n, "mlp.experts.2.down_proj.bias")
		for _, part := range []string{"0.gate_proj", "1.gate_proj"} {
			delete(n, "mlp.experts."+part+".scales")
			delete(n, "mlp.experts."+part+".biases")
		}
		_, err := loadMixture(r, w, false, owner)
		require.EqualError(t, err, "nn: weights missing: mlp.experts.0.gate_proj.weight, mlp.experts.1.gate_proj.weight, mlp.experts.2.down_proj.bias\n"+
			"nn: weights not part of the model: mlp.experts.01.up_proj.weight, mlp.experts.3.up_proj.weight, mlp.experts.x.up_proj.weight")
	})
	withMixture(t, "affine", func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		n := w.Named
		n["mlp.experts.2.down_proj.bias"] = n["mlp.experts.2.down_proj.weight"]
		delete(n, "mlp.experts.1.gate_proj.scales")
		delete(n, "mlp.experts.1.gate_proj.biases")
		n["mlp.experts.1.gate_proj.weight"] = r.Arrays["packed.few/in.0"]
		_, err := loadMixture(r, w, false, owner)
		require.EqualError(t, err, "nn: weights that cannot be read: "+
			"mlp.switch_mlp.down_proj.bias: expert 2 has shape [32 4], the first one [32]; "+
			"mlp.switch_mlp.gate_proj.weight: expert 1 has shape [2 3 32], the first one [32 32]")
	})
	withMixture(t, "affine", func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		delete(w.Named, "mlp.experts.1.gate_proj.scales")
		delete(w.Named, "mlp.experts.1.gate_proj.biases")
		dense, err := r.Thread.Zeros(mlx.Float32, 32, 32)
		require.NoError(t, err)
		owner.Keep(dense)
		w.Named["mlp.experts.1.gate_proj.weight"] = dense
		_, err = loadMixture(r, w, false, owner)
		require.EqualError(t, err, "nn: weights that cannot be read: "+
			"mlp.switch_mlp.gate_proj.weight: expert 1 is packed otherwise than the first one")
	})
}

// Whichever operation of the stacking fails, its error comes back and nothing
// stays open.
func TestStackExpertsEveryOperationMayFail(t *testing.T) {
	for _, unpack := range []bool{false, true} {
		withMixture(t, "affine", func(r *reftest.Reference, w nn.Arrays, _ *mlx.Owner) {
			requireEveryFailure(r, func(owner *mlx.Owner) error {
				_, err := loadMixture(r, w, unpack, owner)
				return err
			})
		})
	}
}

// Stacking takes memory for one layer beside what is kept, not for all of them.
func TestStackExpertsMemory(t *testing.T) {
	type sparse struct {
		Up nn.SwitchLinear `weight:"switch_mlp.up"`
	}
	withMixture(t, "affine", func(r *reftest.Reference, _ nn.Arrays, owner *mlx.Owner) {
		const layers, experts, dims = 8, 4, 128
		part, err := r.Thread.Zeros(mlx.BFloat16, dims, dims) // each is a copy once it is float32
		require.NoError(t, err)
		owner.Keep(part)
		w := nn.Arrays{Named: map[string]mlx.Array{}}
		m := &struct {
			Layers []*sparse `weight:"layers"`
		}{}
		for i := range layers {
			m.Layers = append(m.Layers, &sparse{nn.SwitchLinear{Experts: experts, In: dims, Out: dims, NoBias: true}})
			for e := range experts {
				w.Named[fmt.Sprintf("layers.%d.experts.%d.up.weight", i, e)] = part
			}
		}
		before, err := r.Thread.ActiveMemory()
		require.NoError(t, err)
		require.NoError(t, r.Thread.ResetPeakMemory())
		policy := nn.Policy{Dtype: mlx.Float32}
		require.NoError(t, nn.Load(t.Context(), r.Thread, m, nn.StackExperts(w, experts), policy, owner))
		peak, err := r.Thread.PeakMemory()
		require.NoError(t, err)
		const layer = experts * dims * dims * 4
		require.Less(t, peak-before, uint64((layers+2)*layer))
	})
}
