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

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/optim"
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
	Tokens    [][][]int32 // [steps][B][L+1]; made by batch where there are none
	Losses    []float64
	Counts    []int
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

// config is that of Apply.
func (r *run) config() tune.Config {
	return tune.Config{Method: r.Kind, Layers: r.Layers, Rank: r.LoRA.Rank, Scale: r.LoRA.Scale, Keys: r.LoRA.Keys}
}

// batch makes step i of the tiny runs: tokens [B, L+1] and what counts, [B, L].
func (r *run) batch(i int) (tokens []int32, counts []float32, rows, length int) {
	if r.Tokens != nil {
		for _, row := range r.Tokens[i] {
			tokens = append(tokens, row...)
		}
		rows, length = len(r.Tokens[i]), len(r.Tokens[i][0])-1
		return tokens, slices.Repeat([]float32{1}, rows*length), rows, length
	}
	rows, length = 3, 11
	for row := range rows {
		begin, end := (i+row)%4+1, length-(2*i+3*row)%5
		for l := range length + 1 {
			id := int32(reftest.Bits(uint32(1000+i), row*(length+1)+l) % 32)
			if l > end {
				id = 0
			}
			tokens = append(tokens, id)
			if l > 0 {
				counts = append(counts, map[bool]float32{true: 1}[l >= begin && l <= end])
			}
		}
	}
	return tokens, counts, rows, length
}

// step is that of mlx-lm: default_loss of mlx_lm/tuner/trainer.py, its gradients, an
// update.
func (r *run) step(s *mlx.Scope, m *models.Model, params nn.Tree, state *optim.State, i int) []mlx.Array {
	tokens, counts, rows, length := r.batch(i)
	all := mlx.Const(s, tokens, rows, length+1)
	mask := mlx.Const(s, counts, rows, length)
	in := s.Slice(all, []int{0, 0}, []int{rows, length}, []int{1, 1})
	next := s.Slice(all, []int{0, 1}, []int{rows, length + 1}, []int{1, 1})
	count := s.Sum(mask, false)
	loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
		ce := losses.CrossEntropy(s, m.Logits(s, in), next, losses.None)
		return s.Divide(s.Sum(s.Multiply(ce, mask), false), count)
	})
	state.Update(s, grads, s.Scalar(r.Rate, mlx.Float32))
	return []mlx.Array{loss, count}
}

var optimizers = map[string]optim.Optimizer{
	"adam": optim.NewAdam(), "adamw": optim.NewAdamW(), "sgd": optim.NewSGD(), "adafactor": optim.NewAdafactor(), "muon": optim.NewMuon(),
}

// requireLosses trains m, whose adapters are as mlx-lm's were, and compares.
func (r *run) requireLosses(t *testing.T, m *models.Model) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		owner := th.NewOwner("optimizer")
		defer owner.Close()
		params := nn.Trainable(m.Module())
		state, err := optim.NewState(th, optimizers[r.Optimizer], params, owner)
		require.NoError(t, err)
		for i, want := range r.Losses {
			out, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array { return r.step(s, m, params, state, i) })
			require.NoError(t, err)
			require.NoError(t, th.Eval(append(params.Arrays(), out...)...))
			loss, err := mlx.Item[float32](th, out[0])
			require.NoError(t, err)
			count, err := mlx.Item[float32](th, out[1])
			require.NoError(t, err)
			require.NoError(t, mlx.CloseAll(out...))
			require.InDelta(t, want, loss, 1e-4, "step %d", i+1)
			require.InDelta(t, r.Counts[i], count, 0)
		}
	})
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
				c.requireLosses(t, m)
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

// So has SmolLM2, a real model.
func TestSmolLM2LossesEqualMLXLM(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a real model")
	}
	leaktest.Check(t)
	var r run
	readJSON(t, "smollm2.json", &r)
	m := load(t, testmodels.RequireSmolLM2(t), models.WithWeights(models.Dense), models.WithDtype(mlx.Float32))
	require.NoError(t, tune.Apply(t.Context(), m, r.config()))
	setAdapters(t, m, ".lora_a")
	r.requireLosses(t, m)
}
