package tune_test

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

	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// run is a training by mlx-lm (testdata/parity.py).
type run struct {
	Kind   tune.Method
	Layers int
	LoRA   struct {
		Rank  int
		Scale float64
		Keys  []string
	}
	Optimizer string
	Rate      float64
	Losses    []float64
	Counts    []int64
}

// parityCase is a run on a tiny model.
type parityCase struct {
	run
	Config  json.RawMessage
	Tensors []namedShape
	Packed  []string // layers, in groups of 32 with 4 bits
	Trained []namedShape
}

type namedShape struct {
	name  string
	shape []int
}

func (n *namedShape) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&n.name, &n.shape})
}

func readJSON(t *testing.T, file string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, to))
}

// folder writes the base model.
func (c *parityCase) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), c.Config, 0o600))
	tokenizer, err := os.ReadFile(filepath.Join("..", "..", "tokenizer", "testdata", "tiny.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.json"), tokenizer, 0o600))
	onThread(t, func(th *mlx.Thread) {
		var names []string
		arrays, err := th.BuildAll(func(s *mlx.Scope) (out []mlx.Array) {
			for _, n := range c.Tensors {
				parts := []mlx.Array{reftest.StoredAs(s, n.name, n.shape, mlx.Float32)}
				layer := strings.TrimSuffix(n.name, ".weight")
				if slices.Contains(c.Packed, layer) {
					parts = s.Quantize(parts[0], mlx.SomeInt(32), mlx.SomeInt(4), "affine", mlx.Array{})
					names = append(names, n.name, layer+".scales", layer+".biases")
				} else {
					names = append(names, n.name)
				}
				out = append(out, parts...)
			}
			return out
		})
		require.NoError(t, err)
		defer mlx.CloseAll(arrays...)
		stored := map[string]mlx.Array{}
		for i, name := range names {
			stored[name] = arrays[i]
		}
		require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, "model.safetensors"), stored, nil))
	})
	return dir
}

// writeNumbers writes tensors of the numbers of their names.
func writeNumbers(t *testing.T, path string, tensors []namedShape) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		arrays, err := th.BuildAll(func(s *mlx.Scope) (out []mlx.Array) {
			for _, n := range tensors {
				out = append(out, reftest.StoredAs(s, n.name, n.shape, mlx.Float32))
			}
			return out
		})
		require.NoError(t, err)
		defer mlx.CloseAll(arrays...)
		stored := map[string]mlx.Array{}
		for i, n := range tensors {
			stored[n.name] = arrays[i]
		}
		require.NoError(t, mlx.SaveSafetensors(th, path, stored, nil))
	})
}

// config is that of Apply.
func (r *run) config() tune.Config {
	return tune.Config{Method: r.Kind, Layers: r.Layers, Rank: r.LoRA.Rank, Scale: r.LoRA.Scale, Keys: r.LoRA.Keys}
}

// setAdapters gives A and B, or only A, the numbers of their names.
func setAdapters(t *testing.T, m *models.Model, suffixes ...string) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		params := nn.Trainable(m.Module())
		_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			for _, p := range params {
				if slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(p.Name, suffix) }) {
					shape := s.Shape(p.Array())
					p.Assign(s, mlx.Const(s, reftest.NumbersOf(p.Name, shape), shape...))
				}
			}
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, th.Eval(params.Arrays()...))
	})
}

// Twenty steps have the losses of mlx-lm, from the same first adapters and tokens,
// and train the same parameters, whatever form the weights beside them are in.
func TestLossesEqualMLXLM(t *testing.T) {
	var cases map[string]*parityCase
	readJSON(t, "parity.json", &cases)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		forms := map[string][]models.Option{"trained": {models.WithTraining(), models.WithWeights(models.Packed)}}
		if c.Kind != tune.Full {
			forms["inference"] = []models.Option{models.WithWeights(models.Packed)}
		}
		if len(c.Packed) > 0 && c.Kind != tune.Full {
			forms["unpacked"] = []models.Option{models.WithWeights(models.Dense)}
		}
		for _, form := range slices.Sorted(maps.Keys(forms)) {
			t.Run(name+"/"+form, func(t *testing.T) {
				if testing.Short() && form == "trained" && c.Kind != tune.Full {
					t.Skip("one form is enough")
				}
				m := load(t, c.folder(t), forms[form]...)
				require.NoError(t, tune.Apply(t.Context(), m, c.config()))
				c.requireTrained(t, m)
				setAdapters(t, m, ".lora_a", ".lora_b")
				c.requireLosses(t, m, &counted{})
			})
		}
	}
}

// requireTrained compares the parameters that are trained.
func (c *parityCase) requireTrained(t *testing.T, m *models.Model) {
	t.Helper()
	var have, want []string
	onThread(t, func(th *mlx.Thread) {
		_, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
			for name, a := range nn.Trainable(m.Module()).All() {
				have = append(have, fmt.Sprint(name, s.Shape(a)))
			}
			return nil
		})
		require.NoError(t, err)
	})
	for _, n := range c.Trained {
		want = append(want, fmt.Sprint(n.name, n.shape))
	}
	require.ElementsMatch(t, want, have)
}
