package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// parityCase is a tiny model and the logits that mlx-lm gives for it
// (testdata/parity.py).
type parityCase struct {
	Config    json.RawMessage
	Tensors   []namedShape
	Packed    map[string]parityPacking // layers that are quantised
	Repacked  bool                     // by mlx-lm, so that it has another model than what is stored
	Tokens    [][]int32                // [B][L]
	Positions []int
	Logits    [][][]float32 // [B][len(Positions)][V]
	Logits32  [][][]float32 // of weights of bfloat16, computed with in float32
	Loss      float64
	Norms     map[string]float64 // of the gradients of Loss by the parameters
}

type parityPacking struct {
	GroupSize int `json:"group_size"`
	Bits      int
	Mode      string
}

type namedShape struct {
	name  string
	shape []int
}

func (n *namedShape) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&n.name, &n.shape})
}

func parityCases(t testing.TB, file string) map[string]*parityCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "parity", file+".json"))
	require.NoError(t, err)
	var cases map[string]*parityCase
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	return cases
}

// dtype is the one that the weights are stored in.
func (c *parityCase) dtype() mlx.Dtype {
	if strings.Contains(string(c.Config), `"torch_dtype":"bfloat16"`) {
		return mlx.BFloat16
	}
	return mlx.Float32
}

// folder writes the model as mlx-lm or Hugging Face would, and returns the path.
func (c *parityCase) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), c.Config, 0o600))
	copyFile(t, filepath.Join("..", "tokenizer", "testdata", "tiny.json"), filepath.Join(dir, "tokenizer.json"))
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := c.arrays(t, th)
		require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, "model.safetensors"), arrays, nil))
		require.NoError(t, mlx.CloseAll(slices.Collect(maps.Values(arrays))...))
	})
	return dir
}

// arrays makes the stored tensors.
func (c *parityCase) arrays(t *testing.T, th *mlx.Thread) map[string]mlx.Array {
	t.Helper()
	var names []string
	made, err := th.BuildAll(func(s *mlx.Scope) (made []mlx.Array) {
		add := func(name string, a mlx.Array) { names, made = append(names, name), append(made, a) }
		for _, n := range c.Tensors {
			a := reftest.StoredAs(s, n.name, n.shape, c.dtype())
			layer := strings.TrimSuffix(n.name, ".weight")
			p, packed := c.Packed[layer]
			if !packed || layer == n.name {
				add(n.name, a)
				continue
			}
			var parts []mlx.Array
			s.On(th.CPUStream(), func(s *mlx.Scope) mlx.Array { // as the reference did: a GPU rounds some codes otherwise
				parts = s.Quantize(a, mlx.SomeInt(p.GroupSize), mlx.SomeInt(p.Bits), orElse(p.Mode, "affine"), mlx.Array{})
				return mlx.Array{}
			})
			for i, part := range parts {
				add(layer+[]string{".weight", ".scales", ".biases"}[i], part)
			}
		}
		return made
	})
	require.NoError(t, err)
	require.NoError(t, th.Eval(made...))
	out := map[string]mlx.Array{}
	for i, name := range names {
		out[name] = made[i]
	}
	return out
}

// want are the logits of the first rows, of the i-th position, [B, V].
func (c *parityCase) want(batch, i int) (all []float32) {
	for b := range batch {
		all = append(all, c.Logits[b][i]...)
	}
	return all
}

// columns are tokens [from, to) of the first rows, [B, L].
func (c *parityCase) columns(batch, from, to int) (all []int32) {
	for b := range batch {
		all = append(all, c.Tokens[b][from:to]...)
	}
	return all
}

// forms are the ways in which a case is loaded. Numbers of bfloat16 have 8 bits,
// which a few layers carry on.
func (c *parityCase) forms() map[string]parityForm {
	f32 := WithDtype(mlx.Float32)
	forms := map[string]parityForm{}
	switch {
	case c.dtype() == mlx.BFloat16:
		forms["bf16"] = parityForm{[]Option{WithDtype(mlx.BFloat16)}, 3e-2, c.Logits}
		forms["bf16 as f32"] = parityForm{[]Option{f32}, 1e-5, c.Logits32}
	case len(c.Packed) > 0 || strings.Contains(string(c.Config), `"quantization_config"`):
		forms["packed"] = parityForm{[]Option{f32, WithWeights(Packed)}, 1e-5, c.Logits}
		if !c.Repacked {
			forms["dense"] = parityForm{[]Option{f32, WithWeights(Dense)}, 1e-5, c.Logits}
		}
	default:
		forms["f32"] = parityForm{[]Option{f32}, 1e-5, c.Logits}
	}
	return forms
}

type parityForm struct {
	opts      []Option
	tolerance float64       // relative to the largest logit
	logits    [][][]float32 // the reference's
}

// testParity compares every case of testdata/parity/FILE.json: whole prompts of
// batch 2 and 1, without a cache and with one, and the same in two chunks and
// single steps. A case takes further options of the test's own.
func testParity(t *testing.T, file string, opts ...Option) {
	t.Helper()
	cases := parityCases(t, file)
	rows := newTable(t, "parity "+file, "case", "weights and activations", "largest difference", "bound")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		for form, f := range c.forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				leaktest.Check(t)
				m := loadTest(t, c.folder(t), append(slices.Clone(f.opts), opts...)...)
				worst, with := 0.0, *c
				with.Logits = f.logits
				leaktest.Do(t, func(th *mlx.Thread) {
					if d, err := th.Device(); err == nil && d.Type == mlx.GPU && f.tolerance == 3e-2 {
						f.tolerance *= 2 // the references are a CPU's: kernels round in other places
					}
					for batch := len(c.Tokens); batch > 0; batch-- {
						worst = max(worst, with.runWhole(t, th, m, batch, f.tolerance), with.runSteps(t, th, m, batch, f.tolerance))
					}
				})
				rows.add(name, form, fmt.Sprintf("%.1e", worst), fmt.Sprintf("%.0e", f.tolerance))
			})
		}
	}
}

// runWhole compares a pass over the whole prompt, by Logits and with a cache, and
// returns the largest difference.
func (c *parityCase) runWhole(t *testing.T, th *mlx.Thread, m *Model, batch int, tolerance float64) (worst float64) {
	t.Helper()
	length := len(c.Tokens[0])
	kv := m.NewCache(th)
	defer func() { require.NoError(t, kv.Close()) }()
	for what, cached := range map[string]bool{"without a cache": false, "with a cache": true} {
		use := kv
		if !cached {
			use = m.uncached
		}
		logits := forward(t, th, m, use, c.columns(batch, 0, length), batch, length)
		vocab := len(logits) / batch / length
		for i, p := range c.Positions {
			var have []float32
			for b := range batch {
				have = append(have, logits[(b*length+p)*vocab:(b*length+p+1)*vocab]...)
			}
			worst = max(worst, requireClose(t, c.want(batch, i), have, tolerance, what))
		}
	}
	return worst
}

// runSteps compares the prompt in a chunk of 5, half of the rest and single steps.
func (c *parityCase) runSteps(t *testing.T, th *mlx.Thread, m *Model, batch int, tolerance float64) (worst float64) {
	t.Helper()
	kv := m.NewCache(th)
	defer func() { require.NoError(t, kv.Close()) }()
	length := len(c.Tokens[0])
	for from, to := 0, 5; from < length; from, to = to, to+1 {
		if from == 5 {
			to = length / 2
		}
		logits := forward(t, th, m, kv, c.columns(batch, from, to), batch, to-from)
		require.Equal(t, to, kv.Offset())
		if i := slices.Index(c.Positions, to-1); i >= 0 {
			worst = max(worst, requireClose(t, c.want(batch, i), lastOf(logits, batch, to-from), tolerance, "in steps"))
		}
	}
	return worst
}
