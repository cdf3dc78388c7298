package convert

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// choice is how a layer is packed.
type choice struct {
	q nn.Quantisation // zero is not at all
	// own marks a layer that has an entry in config.json, and bare one whose entry
	// leaves out the mode, as those of models' own rules do in mlx-lm.
	own, bare bool
}

// chooser decides how layers are packed. Reference: quantize_model of
// mlx_lm/utils.py.
type chooser func(layer string) choice

// chooser makes that of the settings for a model whose layers have these names.
func (s *settings) chooser(modelType string, layers []string) (chooser, error) {
	rest := modelChooser(modelType, s.base)
	if s.recipe != "" {
		var err error
		if rest, err = recipeChooser(s.recipe, s.base.GroupSize, layers); err != nil {
			return nil, err
		}
	}
	return func(layer string) choice {
		for _, l := range s.layers {
			if l.pattern.MatchString(layer) {
				return choice{q: l.q, own: l.q.Bits > 0}
			}
		}
		return rest(layer)
	}, nil
}

// careful lists the ends of the names of layers that a model keeps at 8 bits, as
// quant_predicate of mlx-lm's models says. A name that begins with a dash is the
// whole name.
var careful = map[string][]string{
	"gemma4_text":         {"router.proj"},
	"gemma4_unified_text": {"router.proj"},
	"gpt_oss":             {"router"},
	"granite":             {"self_attn.o_proj", "mlp.down_proj", "-lm_head"},
	"granitemoe":          {"block_sparse_moe.router.layer", "self_attn.o_proj", "mlp.down_proj", "-lm_head"},
	"qwen3_5_moe_text":    {"mlp.gate", "shared_expert_gate"},
	"qwen3_moe":           {"mlp.gate"},
	"qwen3_next":          {"mlp.gate", "shared_expert_gate"},
}

// modelChooser packs every layer as q says but those that need more bits.
func modelChooser(modelType string, q nn.Quantisation) chooser {
	return func(layer string) choice {
		for _, end := range careful[modelType] {
			if strings.HasSuffix(layer, end) || "-"+layer == end {
				return choice{nn.Quantisation{GroupSize: 64, Bits: 8, Mode: "affine"}, true, true}
			}
		}
		return choice{q: q}
	}
}

// uncast lists parts of the names of tensors whose dtype stays, as cast_predicate
// of mlx-lm's models says.
var uncast = map[string]string{
	"deepseek_v3":      "e_score_correction_bias",
	"glm4_moe":         "e_score_correction_bias",
	"joyai_llm_flash":  "e_score_correction_bias",
	"kimi_k2":          "e_score_correction_bias",
	"qwen3_5_moe_text": "A_log",
	"qwen3_5_text":     "A_log",
}

// dtypeNames are the dtypes that weights are converted to.
var dtypeNames = map[string]mlx.Dtype{"float32": mlx.Float32, "float16": mlx.Float16, "bfloat16": mlx.BFloat16}

// recipes are the bits of most layers, and of those that matter more.
var recipes = map[string][2]int{"mixed_2_6": {2, 6}, "mixed_3_4": {3, 4}, "mixed_3_6": {3, 6}, "mixed_4_6": {4, 6}}

// Recipes lists the names that Recipe takes.
func Recipes() []string { return slices.Sorted(maps.Keys(recipes)) }

// recipeChooser gives values, down projections and the output more bits, in the
// first and the last eighth of the layers and every third between. Reference:
// mixed_quant_predicate_builder of mlx_lm/convert.py.
func recipeChooser(recipe string, group int, layers []string) (chooser, error) {
	bits := recipes[recipe]
	at, blocks := depths(layers)
	if at < 0 {
		return nil, fmt.Errorf("recipe %s: the model has no layers called down_proj", recipe)
	}
	return func(layer string) choice {
		i := depth(layer, at)
		more := i < blocks/8 || i >= 7*blocks/8 || floorMod(i-blocks/8, 3) == 2
		q := nn.Quantisation{GroupSize: group, Bits: bits[0], Mode: "affine"}
		if more && containsAny(layer, "v_proj", "v_a_proj", "v_b_proj", "down_proj") || strings.Contains(layer, "lm_head") {
			q.Bits = bits[1]
		}
		return choice{q: q, own: true}
	}, nil
}

// floorMod is the remainder that has the sign of n, as Python's %.
func floorMod(i, n int) int { return (i%n + n) % n }

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// depths finds where the names have the number of their block, -1 where none is a
// down projection, and how many blocks there are.
func depths(layers []string) (at, blocks int) {
	at = -1
	for _, l := range layers {
		if at < 0 && strings.Contains(l, "down_proj") {
			at = slices.IndexFunc(strings.Split(l, "."), func(part string) bool { _, err := strconv.Atoi(part); return err == nil })
		}
	}
	for _, l := range layers {
		blocks = max(blocks, depth(l, at)+1)
	}
	return at, blocks
}

// depth is the number at a place of a name, 0 where there is none.
func depth(layer string, at int) int {
	parts := strings.Split(layer, ".")
	if at < 0 || at >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[at])
	return n
}
