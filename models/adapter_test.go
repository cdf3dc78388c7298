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
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// adapterCase is a tiny llama and an adapter on it (testdata/adapters.py).
type adapterCase struct {
	parityCase
	Adapter json.RawMessage
	File    string
	Weights map[string]namedShape // by what their numbers are made from
}

func adapterCases(t *testing.T) map[string]*adapterCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "adapters.json"))
	require.NoError(t, err)
	var cases map[string]*adapterCase
	require.NoError(t, json.Unmarshal(data, &cases))
	return cases
}

// adapterFolder writes the adapter.
func (c *adapterCase) adapterFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "adapter_config.json"), c.Adapter, 0o600))
	leaktest.Do(t, func(th *mlx.Thread) {
		arrays := map[string]mlx.Array{}
		for seed, w := range c.Weights {
			a, err := mlx.FromSlice(th, reftest.NumbersOf(seed, w.shape), w.shape...)
			require.NoError(t, err)
			arrays[w.name] = a
		}
		require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, c.File), arrays, nil))
		require.NoError(t, mlx.CloseAll(slices.Collect(maps.Values(arrays))...))
	})
	return dir
}

// Adapters of mlx-lm give the logits of its load_adapters, those of PEFT the
// logits of merged weights: beside joined and single weights, dense and packed, and
// when the model is loaded for training.
func TestAdaptersEqualReference(t *testing.T) {
	cases := adapterCases(t)
	rows := newTable(t, "adapters", "case", "weights and activations", "largest difference", "bound")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		dir, adapter := c.folder(t), c.adapterFolder(t)
		for form, opts := range map[string][]Option{
			"packed": {WithWeights(Packed)}, "dense": {WithWeights(Dense)}, "trained": {WithTraining(), WithWeights(Packed)},
		} {
			t.Run(name+"/"+form, func(t *testing.T) {
				if testing.Short() && form != "packed" {
					t.Skip("one form is enough")
				}
				worst := c.requireLogits(t, dir, 1e-5, append(opts, WithAdapter(adapter))...)
				rows.add(name, form, fmt.Sprintf("%.1e", worst), "1e-05")
			})
		}
	}
}

// An adapter changes the logits: without it the comparison above fails.
func TestAdapterMatters(t *testing.T) {
	c := adapterCases(t)["dora"]
	dir := c.folder(t)
	plain, adapted := loadTest(t, dir), loadTest(t, dir, WithAdapter(c.adapterFolder(t)))
	leaktest.Do(t, func(th *mlx.Thread) {
		tokens := c.columns(1, 0, 4)
		a, b := plain.NewCache(th), adapted.NewCache(th)
		require.NotEqual(t, forward(t, th, plain, a, tokens, 1, 4), forward(t, th, adapted, b, tokens, 1, 4))
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	})
}

// Whatever is wrong with an adapter, the error names its file and the field or the
// weight, and nothing is left open.
func TestBadAdaptersAreRefused(t *testing.T) {
	cases := adapterCases(t)
	edit := func(old, new string) func(t *testing.T, c *adapterCase) {
		return func(t *testing.T, c *adapterCase) {
			require.Contains(t, string(c.Adapter), old)
			c.Adapter = []byte(strings.Replace(string(c.Adapter), old, new, 1))
		}
	}
	const q = "model.layers.0.self_attn.q_proj"
	for _, b := range []struct {
		name, of string
		spoil    func(t *testing.T, c *adapterCase)
		want     []string
	}{
		{"unknown type", "lora", edit(`"lora"`, `"prefix"`), []string{"adapter_config.json", `fine_tune_type: "prefix" is none of lora, dora and full`}},
		{"no scale", "lora", edit(`"scale"`, `"alpha"`), []string{"adapter_config.json", "lora_parameters.scale: is missing"}},
		{"another rank", "lora", edit(`"rank":4`, `"rank":8`), []string{"adapters.safetensors: tensor model.layers.0.mlp.down_proj.lora_a: shape [96 4] is not of the config's rank 8"}},
		{"a string for a rank", "lora", edit(`"rank":4`, `"rank":"4"`), []string{"adapter_config.json", "lora_parameters.rank"}},
		{"no JSON", "lora", edit(`{`, `[`), []string{"adapter_config.json", "not valid JSON"}},
		{"lora as dora", "lora", edit(`"lora"`, `"dora"`), []string{"adapter weights missing: model.layers.0.mlp.down_proj.m"}},
		{"dora as lora", "dora", edit(`"dora"`, `"lora"`), []string{"adapter weights not part of the model: model.layers.0.mlp.down_proj.m"}},
		{"half a product", "lora", func(t *testing.T, c *adapterCase) { delete(c.Weights, q+".lora_b") }, []string{"adapter weights missing: " + q + ".lora_b"}},
		{"another layer", "lora", func(t *testing.T, c *adapterCase) {
			c.Weights["x"] = namedShape{"model.layers.7.self_attn.q_proj.lora_a", []int{64, 4}}
		}, []string{"adapter weights not part of the model: model.layers.7.self_attn.q_proj.lora_a"}},
		{"another width", "lora", func(t *testing.T, c *adapterCase) { c.Weights[q+".lora_a"] = namedShape{q + ".lora_a", []int{32, 4}} },
			[]string{"adapter weights of the wrong shape: " + q + ".lora_a has shape [32 4], want [64 0]"}},
		{"another model's weight", "full", func(t *testing.T, c *adapterCase) { c.Weights["x"] = namedShape{"model.nrom.weight", []int{64}} },
			[]string{"weights not part of the model: model.nrom.weight"}},
		{"another file", "lora", func(t *testing.T, c *adapterCase) { c.File = "weights.safetensors" }, []string{"adapters.safetensors"}},
		{"nothing", "lora", func(t *testing.T, c *adapterCase) { c.Weights = nil }, []string{"holds no weights"}},
		{"unknown PEFT", "peft", edit(`"LORA"`, `"IA3"`), []string{"adapter_config.json", `peft_type: "IA3" is not LORA`}},
		{"a rank of 0", "peft", edit(`"r":4`, `"r":0`), []string{"adapter_config.json", "r: 0 is not between 1 and"}},
		{"biases", "peft", edit(`"none"`, `"all"`), []string{"adapter_config.json", `bias: "all" is not none`}},
		{"transposed", "peft", edit(`"fan_in_fan_out":false`, `"fan_in_fan_out":true`), []string{"adapter_config.json", "fan_in_fan_out"}},
		{"PEFT of another layer", "peft", func(t *testing.T, c *adapterCase) {
			c.Weights["x"] = namedShape{"base_model.model.encoder.lora_A.weight", []int{4, 64}}
		}, []string{"adapter weights not part of the model: encoder.lora_a"}},
	} {
		t.Run(b.name, func(t *testing.T) {
			leaktest.Check(t)
			c := *cases[b.of]
			c.Weights = maps.Clone(c.Weights)
			dir := c.folder(t)
			b.spoil(t, &c)
			adapter := c.adapterFolder(t)
			_, err := Load(t.Context(), dir, WithAdapter(adapter))
			for _, want := range append(b.want, adapter) {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// A product of integers is refused by file, tensor and dtype.
func TestAdapterOfIntegers(t *testing.T) {
	leaktest.Check(t)
	c := adapterCases(t)["lora of one layer"]
	adapter := c.adapterFolder(t)
	const a = "model.layers.1.self_attn.q_proj.lora_a"
	writeTensors(t, filepath.Join(adapter, c.File), map[string]storedShape{a: {dtype: safetensors.I32, shape: []int{64, 4}}})
	_, err := Load(t.Context(), c.folder(t), WithAdapter(adapter))
	require.ErrorContains(t, err, "adapters.safetensors: tensor "+a+": dtype I32, want F16 or BF16 or F32")
	require.ErrorContains(t, err, "adapter weights missing: model.layers.1.self_attn.q_proj.lora_b")
}

// Adapters of multimodal checkpoints name their language model's layers in one of
// three ways.
func TestAdapterOfLanguageModel(t *testing.T) {
	for of, rename := range map[string]func(name string) string{
		"lora": func(name string) string { return "language_model." + name },
		"peft": func(name string) string {
			return strings.Replace(name, "base_model.model.model.", "base_model.model.model.language_model.", 1)
		},
	} {
		c := adapterCases(t)[of]
		for seed, w := range c.Weights {
			c.Weights[seed] = namedShape{rename(w.name), w.shape}
		}
		c.requireLogits(t, c.folder(t), 1e-5, WithAdapter(c.adapterFolder(t)))
	}
}
