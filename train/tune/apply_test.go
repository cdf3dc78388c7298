package tune_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// descend takes some steps of gradient descent on what is trained, and returns the
// losses.
func descend(t *testing.T, m *models.Model, steps int) (out []float32) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		params := nn.Trainable(m.Module())
		for range steps {
			loss, err := th.Build(func(s *mlx.Scope) mlx.Array {
				loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
					x := mlx.Const(s, someTokens[:10], 2, 5)
					return losses.CrossEntropy(s, m.Logits(s, x), mlx.Const(s, someTokens[2:], 2, 5), losses.Mean)
				})
				for i, g := range grads {
					params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(s.Scalar(0.1, mlx.Float32), g)))
				}
				return loss
			})
			require.NoError(t, err)
			v, err := mlx.Item[float32](th, loss)
			require.NoError(t, err)
			require.NoError(t, loss.Close())
			out = append(out, v)
		}
	})
	return out
}

// forms are ways to load a base.
var forms = map[string][]models.Option{
	"inference": nil, "packed": {models.WithWeights(models.Packed)}, "training": {models.WithTraining(), models.WithWeights(models.Packed)},
}

// An adapter changes nothing at first, alone is trained, learns, and is the same
// when it was saved and loaded, beside weights of every form.
func TestApplyTrainSaveLoad(t *testing.T) {
	for _, method := range []tune.Method{tune.LoRA, tune.DoRA} {
		for _, base := range []string{"gqa", "mixed", "bias"} {
			for _, form := range slices.Sorted(maps.Keys(forms)) {
				t.Run(string(method)+"/"+base+"/"+form, func(t *testing.T) {
					dir, saved := tiny(t, base), filepath.Join(t.TempDir(), "adapters")
					m := load(t, dir, forms[form]...)
					before := logits(t, m)
					require.NoError(t, tune.Apply(t.Context(), m, tune.Config{Method: method, Rank: 4, Scale: 2}))
					requireClose(t, before, logits(t, m), 1e-5)
					for _, name := range nn.Trainable(m.Module()).Names() {
						require.Regexp(t, `\.(lora_a|lora_b|m)$`, name)
					}
					losses := descend(t, m, 20)
					require.Less(t, losses[19], losses[0]-0.01)
					require.NoError(t, tune.Save(t.Context(), m, saved))
					after := logits(t, m)
					require.NotEqual(t, before, after)
					again := load(t, dir, append(forms[form], models.WithAdapter(saved))...)
					requireClose(t, after, logits(t, again), 1e-5)
				})
			}
		}
	}
}

// The layers are those that mlx-lm takes: all with a matrix in the last blocks, or
// those of the keys.
func TestLayersOfApply(t *testing.T) {
	all := []string{"mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"}
	in := func(block string, within ...string) (out []string) {
		for _, w := range within {
			out = append(out, "model.layers."+block+"."+w)
		}
		return out
	}
	for name, c := range map[string]struct {
		config tune.Config
		want   []string
	}{
		"all":      {tune.Config{}, append(in("0", all...), in("1", all...)...)},
		"minus 1":  {tune.Config{Layers: -1}, append(in("0", all...), in("1", all...)...)},
		"the last": {tune.Config{Layers: 1}, in("1", all...)},
		"keys":     {tune.Config{Layers: 1, Keys: []string{"mlp.up_proj", "self_attn.q_proj"}}, in("1", "mlp.up_proj", "self_attn.q_proj")},
		"outside":  {tune.Config{Layers: 1, Keys: []string{"model.embed_tokens", "self_attn.q_proj"}}, append([]string{"model.embed_tokens"}, in("1", "self_attn.q_proj")...)},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, tiny(t, "gqa"))
			require.NoError(t, tune.Apply(t.Context(), m, c.config))
			layers := map[string]bool{}
			for _, n := range nn.Trainable(m.Module()).Names() {
				layers[n[:strings.LastIndexByte(n, '.')]] = true
			}
			require.Equal(t, c.want, slices.Sorted(maps.Keys(layers)))
		})
	}
}
