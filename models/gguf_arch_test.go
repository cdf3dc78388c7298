package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// llamaArches are llama.cpp's names of model types.
var llamaArches = map[string]string{
	"llama": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3moe", "gemma2": "gemma2", "gemma3_text": "gemma3",
	"phi3": "phi3", "gpt_oss": "gpt-oss",
}

// converter writes a model as llama.cpp's convert_hf_to_gguf.py does.
type converter struct {
	t      testing.TB
	arch   string
	config map[string]any
	names  map[string]string // of tensors (testdata/gguf_names.py)
	out    *ggufFile
}

func newConverter(t testing.TB, c *parityCase) *converter {
	t.Helper()
	v := &converter{t: t, out: new(ggufFile)}
	require.NoError(t, json.Unmarshal(c.Config, &v.config))
	v.arch = llamaArches[v.config["model_type"].(string)]
	data, err := os.ReadFile("testdata/gguf_names.json")
	require.NoError(t, err)
	var tables map[string]map[string]string
	require.NoError(t, json.Unmarshal(data, &tables))
	v.names = tables[v.arch]
	require.NotEmpty(t, v.names)
	return v
}

func (v *converter) set(key string, value any) { v.out.set(v.t, v.arch+"."+key, value) }

func (v *converter) num(field string) float64 {
	n, _ := v.config[field].(float64)
	return n
}

func (v *converter) headDim() float64 {
	if d := v.num("head_dim"); d > 0 {
		return d
	}
	return v.num("hidden_size") / v.num("num_attention_heads")
}

// metadata writes the fields of config.json that files have.
func (v *converter) metadata() {
	v.out.set(v.t, "general.architecture", v.arch)
	for field, key := range map[string]string{
		"num_hidden_layers": "block_count", "max_position_embeddings": "context_length", "hidden_size": "embedding_length",
		"intermediate_size": "feed_forward_length", "num_attention_heads": "attention.head_count",
		"num_key_value_heads": "attention.head_count_kv", "num_experts": "expert_count", "num_local_experts": "expert_count",
		"num_experts_per_tok": "expert_used_count", "moe_intermediate_size": "expert_feed_forward_length",
		"sliding_window": "attention.sliding_window", "head_dim": "attention.key_length",
	} {
		if n := v.num(field); n > 0 {
			v.set(key, uint32(n))
		}
	}
	for field, key := range map[string]string{
		"rms_norm_eps": "attention.layer_norm_rms_epsilon", "rope_theta": "rope.freq_base", "rope_local_base_freq": "rope.freq_base_swa",
		"attn_logit_softcapping": "attn_logit_softcapping", "final_logit_softcapping": "final_logit_softcapping",
	} {
		if n := v.num(field); n > 0 {
			v.set(key, float32(n))
		}
	}
	switch v.arch {
	case "gpt-oss":
		v.set("expert_feed_forward_length", uint32(v.num("intermediate_size")))
	case "phi3":
		v.set("rope.dimension_count", uint32(v.headDim()*orElse(v.num("partial_rotary_factor"), 1)))
	}
	v.out.vocabulary(v.t, int(v.num("vocab_size")))
	v.scaling()
}

// scaling writes rope_scaling: some kinds as metadata, some as tensors.
func (v *converter) scaling() {
	s, _ := v.config["rope_scaling"].(map[string]any)
	num := func(field string) float64 { n, _ := s[field].(float64); return n }
	kind, _ := s["rope_type"].(string)
	if kind == "" {
		kind, _ = s["type"].(string)
	}
	switch kind {
	case "linear", "yarn":
		v.set("rope.scaling.type", kind)
		v.set("rope.scaling.factor", float32(num("factor")))
		if kind == "yarn" {
			v.set("rope.scaling.original_context_length", uint32(num("original_max_position_embeddings")))
		}
		for _, beta := range []string{"beta_fast", "beta_slow"} {
			if num(beta) > 0 {
				v.set("rope.scaling.yarn_"+beta, float32(num(beta)))
			}
		}
	case "longrope":
		v.set("rope.scaling.type", kind)
		v.set("rope.scaling.original_context_length", uint32(num("original_max_position_embeddings")))
		for name, field := range map[string]string{"rope_factors_long.weight": "long_factor", "rope_factors_short.weight": "short_factor"} {
			var factors []float32
			for _, f := range s[field].([]any) {
				factors = append(factors, float32(f.(float64)))
			}
			v.out.addFloats(v.t, name, factors, len(factors))
		}
	case "llama3":
		factors := v.llama3(num("factor"), num("low_freq_factor"), num("high_freq_factor"), num("original_max_position_embeddings"))
		v.out.addFloats(v.t, "rope_freqs.weight", factors, len(factors))
	}
}

// llama3 are the factors of rope_freqs.weight.
func (v *converter) llama3(factor, low, high, context float64) (factors []float32) {
	dim := v.headDim()
	for i := 0.0; i < dim; i += 2 {
		wave := 2 * math.Pi * math.Pow(v.num("rope_theta"), i/dim)
		smooth := (context/wave - low) / (high - low)
		switch {
		case wave < context/high:
			factors = append(factors, 1)
		case wave > context/low:
			factors = append(factors, float32(factor))
		default:
			factors = append(factors, float32(1/((1-smooth)/factor+smooth)))
		}
	}
	return factors
}

// experts are stacked under the same name in every architecture.
var experts = strings.NewReplacer("mlp.switch_mlp", "mlp.experts", "block_sparse_moe.switch_mlp", "mlp.experts")

var layerNumber = regexp.MustCompile(`\.layers\.(\d+)\.`)

// tensor writes one tensor: llama's rows of q and k go by pairs, Gemma's norms
// have their 1.
func (v *converter) tensor(n namedShape) {
	values := reftest.NumbersOf(n.name, n.shape)
	name, suffix := strings.TrimSuffix(experts.Replace(n.name), ".weight"), ".weight"
	if strings.HasSuffix(name, ".bias") {
		name, suffix = strings.TrimSuffix(name, ".bias"), ".bias"
	}
	layer := ""
	if m := layerNumber.FindStringSubmatch(name); m != nil {
		layer, name = m[1], strings.Replace(name, m[0], ".layers.N.", 1)
	}
	stored := v.names[name]
	require.NotEmpty(v.t, stored, name)
	switch {
	case v.arch == "llama" && strings.HasSuffix(stored, "attn_q"):
		values = byPairs(values, n.shape[0], int(v.num("num_attention_heads")))
	case v.arch == "llama" && strings.HasSuffix(stored, "attn_k"):
		values = byPairs(values, n.shape[0], int(v.num("num_key_value_heads")))
	case strings.HasPrefix(v.arch, "gemma") && strings.HasSuffix(name, "norm"):
		for i := range values {
			values[i]++
		}
	}
	v.out.addFloats(v.t, strings.Replace(stored, ".N.", "."+layer+".", 1)+suffix, values, n.shape...)
}

// byPairs is the converter's permute: reshape(heads, 2, rows/heads/2, ...) with
// axes 1 and 2 swapped.
func byPairs(values []float32, rows, heads int) (out []float32) {
	width, half := len(values)/rows, rows/heads/2
	for h := range heads {
		for i := range half {
			for side := range 2 {
				row := h*2*half + side*half + i
				out = append(out, values[row*width:(row+1)*width]...)
			}
		}
	}
	return out
}

// gguf writes the model as a GGUF file and returns its path.
func (c *parityCase) gguf(t testing.TB) string {
	t.Helper()
	v := newConverter(t, c)
	v.metadata()
	for _, n := range c.Tensors {
		v.tensor(n)
	}
	return v.out.write(t)
}

// A GGUF file of every architecture that llama.cpp and this package share gives
// mlx-lm's logits for the same weights.
func TestGGUFArchitecturesEqualReference(t *testing.T) {
	cases := parityCases(t, "gguf")
	rows := newTable(t, "gguf architectures", "case", "weights and activations", "largest difference", "bound")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			m := loadTest(t, c.gguf(t), WithDtype(mlx.Float32))
			leaktest.Do(t, func(th *mlx.Thread) {
				worst := max(c.runWhole(t, th, m, 2, 1e-5), c.runSteps(t, th, m, 2, 1e-5))
				rows.add(name, "f32", fmt.Sprintf("%.1e", worst), "1e-05")
			})
		})
	}
}
