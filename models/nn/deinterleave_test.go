package nn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// interleaved joins the rows of gate_proj and up_proj as gate_up_proj, by turns or
// one above the other.
func interleaved(r *reftest.Reference, named map[string]mlx.Array, halves bool, owner *mlx.Owner) map[string]mlx.Array {
	r.T.Helper()
	out := map[string]mlx.Array{}
	for name, gate := range named {
		part, found := strings.CutPrefix(name, "gate_proj.")
		if !found {
			if !strings.HasPrefix(name, "up_proj.") {
				out[name] = gate
			}
			continue
		}
		joined, err := r.Thread.Build(func(s *mlx.Scope) mlx.Array {
			axis, shape := 2, s.Shape(gate) // [E, out, in] or [E, out]
			if halves {
				axis = 1
			}
			both := s.StackAxis([]mlx.Array{gate, named["up_proj."+part]}, axis)
			shape[1] *= 2
			return s.Reshape(both, shape...)
		})
		require.NoError(r.T, err)
		owner.Keep(joined)
		out["gate_up_proj."+part] = joined
	}
	return out
}

// withInterleaved gives weights of experts packed in a mode, as interleaved has
// them.
func withInterleaved(t *testing.T, mode string, halves bool, f func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner)) {
	t.Helper()
	reftest.Do(t, switches, func(r *reftest.Reference) {
		owner := r.Thread.NewOwner("model")
		defer owner.Close()
		named := r.Named("packed/w.")
		for name, a := range r.Named("packed." + mode + "/q.") {
			named[name] = a
		}
		w := nn.Arrays{Named: interleaved(r, named, halves, owner), Quantisation: modes[mode]}
		w.Quantisation.GroupSize = min(32, w.Quantisation.GroupSize)
		f(r, w, owner)
	})
}

func loadInterleaved(r *reftest.Reference, w nn.Weights, halves, unpack bool, owner *mlx.Owner) (*nn.SwitchGLU, error) {
	m := newGLU(3, 32, 32, true)
	policy := nn.Policy{Dtype: mlx.Float32, Unpack: unpack}
	split := nn.Deinterleave
	if halves {
		split = nn.Halve
	}
	w = split(w, "gate_up_proj", "gate_proj", "up_proj")
	return m, nn.Load(r.T.Context(), r.Thread, m, w, policy, owner)
}

// Layers whose rows take turns, or are the halves of one, are those that stand
// apart, packed or not.
func TestDeinterleave(t *testing.T) {
	for _, mode := range []string{"affine", "mxfp4", "mxfp8", "nvfp4"} {
		for i := range 4 {
			halves, unpack := i&1 == 1, i&2 == 2
			withInterleaved(t, mode, halves, func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
				m, err := loadInterleaved(r, w, halves, unpack, owner)
				require.NoError(t, err)
				requirePackedGLU(r, mode, m)
			})
		}
	}
}

// A weight that cannot be two is refused by name before anything is read.
func TestDeinterleaveRefuses(t *testing.T) {
	withInterleaved(t, "affine", false, func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		odd, err := r.Thread.Zeros(mlx.Float32, 3, 5)
		require.NoError(t, err)
		owner.Keep(odd)
		w.Named["gate_up_proj.bias"] = odd
		_, err = loadInterleaved(r, w, false, false, owner)
		require.EqualError(t, err, "nn: weights that cannot be read: "+
			"gate_up_proj.bias has shape [3 5], which is not that of two layers")

		w.Named["gate_up_proj.weight"] = r.Arrays["packed.step/in.0"] // [2, 32]
		w.Named["gate_up_proj.bias"] = r.Arrays["packed/w.down_proj.bias"]
		delete(w.Named, "gate_up_proj.scales")
		delete(w.Named, "gate_up_proj.biases")
		_, err = loadInterleaved(r, w, false, false, owner)
		require.ErrorContains(t, err, "up_proj.weight has shape [1 32], want [3 32 32]")
	})
}

// Whichever operation fails, its error comes back and nothing stays open.
func TestDeinterleaveEveryOperationMayFail(t *testing.T) {
	for _, unpack := range []bool{false, true} {
		withInterleaved(t, "affine", false, func(r *reftest.Reference, w nn.Arrays, _ *mlx.Owner) {
			requireEveryFailure(r, func(owner *mlx.Owner) error {
				_, err := loadInterleaved(r, w, false, unpack, owner)
				return err
			})
		})
	}
}

// requireEveryFailure lets every operation of f fail once: the error comes back,
// and nothing stays open.
func requireEveryFailure(r *reftest.Reference, f func(owner *mlx.Owner) error) {
	r.T.Helper()
	for n, failed := 1, true; failed; n++ {
		owner := r.Thread.NewOwner("failing")
		live := mlx.Live()
		r.Thread.FailAt(n, nil)
		err := f(owner)
		r.Thread.FailAt(0, nil)
		if failed = err != nil; failed {
			require.ErrorContains(r.T, err, "injected failure")
		} else {
			require.Greater(r.T, n, 6)
		}
		require.NoError(r.T, owner.Close())
		require.Equal(r.T, live, mlx.Live())
	}
}

// Experts, and layers by turns, that leave their form open take it from the
// layer's size.
func TestStackedFits(t *testing.T) {
	withMixture(t, "affine", func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		open := w
		open.Quantisation.Bits = 8 // wrong as it stands
		m, err := loadMixture(r, fitting{open, w}, false, owner)
		require.NoError(t, err)
		requirePackedGLU(r, "affine", &m.Experts)
	})
	withInterleaved(t, "affine", false, func(r *reftest.Reference, w nn.Arrays, owner *mlx.Owner) {
		open := w
		open.Quantisation.Bits = 8
		m, err := loadInterleaved(r, fitting{open, w}, false, false, owner)
		require.NoError(t, err)
		requirePackedGLU(r, "affine", m)
	})
}

// fitting shows tensors of open that become those of right once they know the
// size of a row.
type fitting struct {
	open  nn.Weights
	right nn.Weights
}

func (f fitting) Names() []string { return f.open.Names() }

func (f fitting) Tensor(name string) nn.Tensor {
	q, ok := f.open.Tensor(name).(nn.Quantised)
	if !ok {
		return f.open.Tensor(name)
	}
	return fittingTensor{q, f.right.Tensor(name)}
}

type fittingTensor struct {
	nn.Quantised
	right nn.Tensor
}

func (f fittingTensor) Fit(int) nn.Tensor { return f.right }
