package nn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// halves are what DeepSeek-V3 makes keys and values by.
type halves struct {
	Keys   nn.MultiLinear `weight:"embed_q"`
	Values nn.MultiLinear `weight:"unembed_out"`
}

// stored are the weights of a case of testdata/mla.py: kv_b_proj, or its halves.
func stored(r *reference, kind string, whole bool) nn.Arrays {
	w := nn.Arrays{Named: map[string]mlx.Array{}, Quantisation: nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "affine"}}
	for name, a := range r.arrays {
		if name, ok := strings.CutPrefix(name, kind+"."); ok && strings.HasPrefix(name, "kv_b_proj") == whole {
			w.Named[name] = a
		}
	}
	return w
}

func (m *halves) requireOutputs(r *reference, kind string) {
	r.t.Helper()
	r.requireOutput(kind+".fold", "query", m.Keys.Forward)
	r.requireOutput(kind+".keys", "latent", m.Keys.Back)
	r.requireOutput(kind+".values", "latent", m.Values.Forward)
}

// The halves of kv_b_proj are what mlx-lm makes of it, packed or not, stored
// whole or as mlx-lm saves them; their sizes may be left to the checkpoint.
func TestMultiLinearEqualsReference(t *testing.T) {
	unsized := halves{nn.MultiLinear{Heads: 2}, nn.MultiLinear{Heads: 2}}
	sized := halves{nn.MultiLinear{Heads: 2, In: 32, Out: 64}, nn.MultiLinear{Heads: 2, In: 64, Out: 64}}
	for _, kind := range []string{"dense", "packed"} {
		for _, whole := range []bool{true, false} {
			for _, policy := range []nn.Policy{{}, {Unpack: true}, {Trainable: true}} {
				withReferenceOf(t, "mla", func(r *reference) {
					if kind == "packed" && whole && policy.Unpack {
						return // is not packed again, and the closer to what was stored
					}
					policy.Dtype = mlx.Float32
					for _, m := range []halves{unsized, sized} {
						w := nn.SplitLatent(stored(r, kind, whole), 2, 32, 64, 64, true)
						require.NoError(t, nn.Load(t.Context(), r.th, &m, w, policy, r.owner))
						m.requireOutputs(r, kind)
					}
				})
			}
		}
	}
}

// Unpacked, the halves are the numbers that kv_b_proj stands for.
func TestSplitLatentUnpacks(t *testing.T) {
	withReferenceOf(t, "mla", func(r *reference) {
		w := stored(r, "packed", true)
		whole, err := w.Tensor("kv_b_proj.weight").Dense(r.th, mlx.Float32)
		require.NoError(t, err)
		defer whole.Close()
		part := nn.SplitLatent(w, 2, 32, 64, 64, false).Tensor("unembed_out.weight")
		require.NotImplements(t, (*nn.Quantised)(nil), part)
		half, err := part.Dense(r.th, mlx.Float32)
		require.NoError(t, err)
		defer half.Close()
		all, err := mlx.Values[float32](r.th, whole)
		require.NoError(t, err)
		have, err := mlx.Values[float32](r.th, half)
		require.NoError(t, err)
		require.Equal(t, all[(96+32)*64:], have[64*64:], "values of the second head")
	})
}

// Groups that do not divide the rows of a half leave it unpacked.
func TestSplitLatentOfOtherRows(t *testing.T) {
	withReferenceOf(t, "mla", func(r *reference) {
		w := nn.SplitLatent(stored(r, "packed", true), 2, 48, 48, 64, true)
		_, packed := w.Tensor("embed_q.weight").(nn.Quantised)
		require.False(t, packed)
		_, packed = w.Tensor("unembed_out.weight").(nn.Quantised)
		require.True(t, packed)
		m := halves{nn.MultiLinear{Heads: 2}, nn.MultiLinear{Heads: 2}}
		require.NoError(t, nn.Load(t.Context(), r.th, &m, w, nn.Policy{Dtype: mlx.Float32}, r.owner))
	})
}

func TestSplitLatentRefuses(t *testing.T) {
	withReferenceOf(t, "mla", func(r *reference) {
		load := func(w nn.Weights) error {
			return nn.Load(t.Context(), r.th, &halves{nn.MultiLinear{Heads: 2}, nn.MultiLinear{Heads: 2}}, w, nn.Policy{Dtype: mlx.Float32}, r.owner)
		}
		for _, kind := range []string{"dense", "packed"} {
			w := stored(r, kind, true)
			err := load(nn.SplitLatent(w, 2, 64, 64, 64, true))
			require.ErrorContains(t, err, "kv_b_proj.weight has shape [192 64], want [256 64]")
			err = load(nn.SplitLatent(w, 2, 32, 64, 32, true))
			require.ErrorContains(t, err, "kv_b_proj.weight has shape [192 64], want [192 32]")
		}
		err := load(nn.SplitLatent(nn.Arrays{}, 2, 32, 64, 64, true))
		require.ErrorContains(t, err, "nn: weights missing: embed_q.weight, unembed_out.weight")
	})
}

type gated struct {
	Gate nn.GroupGate `weight:"gate"`
}

// The experts of a token and their weights are mlx-lm's; where the bias makes
// scores negative, those of DeepSeek-V3.
func TestGroupGateEqualsReference(t *testing.T) {
	for name, gate := range map[string]nn.GroupGate{
		"all":      {TopK: 3, Groups: 1, TopGroups: 1, Normalise: true},
		"groups":   {TopK: 3, Groups: 4, TopGroups: 2, Scale: 2.5, Normalise: true},
		"raw":      {TopK: 3, Groups: 2, TopGroups: 1},
		"negative": {In: 32, Experts: 12, TopK: 3, Groups: 4, TopGroups: 2, Normalise: true},
	} {
		withReferenceOf(t, "mla", func(r *reference) {
			m := gated{gate}
			m.Gate.Experts = 12
			w := nn.Arrays{Named: map[string]mlx.Array{}}
			bias := "gate.e_score_correction_bias"
			w.Named["gate.weight"], w.Named[bias] = r.arrays["gate.weight"], r.arrays[bias]
			if name == "negative" {
				lower, err := r.th.Build(func(s *mlx.Scope) mlx.Array {
					return s.Subtract(r.arrays[bias], s.Scalar(4, mlx.Float32))
				})
				require.NoError(t, err)
				defer lower.Close()
				w.Named[bias] = lower
			}
			require.NoError(t, nn.Load(t.Context(), r.th, &m, w, nn.Policy{Dtype: mlx.Float32}, r.owner))
			for _, x := range acts {
				r.requireOutput(name+"."+x, x, func(s *mlx.Scope, x mlx.Array) mlx.Array {
					experts, weights := m.Gate.Forward(s, x)
					shape := s.Shape(weights)
					shape[len(shape)-1] = 12
					return s.PutAlongAxis(s.Zeros(shape, mlx.Float32), experts, weights, -1)
				})
			}
		})
	}
}

// The bias stays in single precision, whatever the model computes in.
func TestGroupGateBiasStaysFloat32(t *testing.T) {
	withReferenceOf(t, "mla", func(r *reference) {
		m := gated{nn.GroupGate{Experts: 12, TopK: 3}}
		w := nn.Arrays{Named: map[string]mlx.Array{}}
		for _, name := range []string{"gate.weight", "gate.e_score_correction_bias"} {
			w.Named[name] = r.arrays[name]
		}
		require.NoError(t, nn.Load(t.Context(), r.th, &m, w, nn.Policy{Dtype: mlx.BFloat16}, r.owner))
		leaf, ok := nn.Parameters(&m).Find("gate.e_score_correction_bias")
		require.True(t, ok)
		dtype, err := leaf.Array().Dtype()
		require.NoError(t, err)
		require.Equal(t, mlx.Float32, dtype)
		require.True(t, leaf.Frozen())
		delete(w.Named, "gate.e_score_correction_bias")
		err = nn.Load(t.Context(), r.th, &m, w, nn.Policy{Dtype: mlx.Float32}, r.owner)
		require.ErrorContains(t, err, "nn: weights missing: gate.e_score_correction_bias")
	})
}
