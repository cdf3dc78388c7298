package models

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// ggufNames maps GGUF's tensor names to those of the checkpoint.
var ggufNames = map[string]string{
	"token_embd":  "model.embed_tokens",
	"output_norm": "model.norm",
	"output":      "lm_head",
	"attn_q":      "self_attn.q_proj",
	"attn_k":      "self_attn.k_proj",
	"attn_v":      "self_attn.v_proj",
	"attn_output": "self_attn.o_proj",
	"attn_norm":   "input_layernorm",
	"ffn_norm":    "post_attention_layernorm",
	"ffn_gate":    "mlp.gate_proj",
	"ffn_up":      "mlp.up_proj",
	"ffn_down":    "mlp.down_proj",
}

// ggufQKNorm are the norms of queries and keys.
var ggufQKNorm = map[string]string{"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}

// ggufSandwich are norms before and after each half of a layer.
var ggufSandwich = map[string]string{
	"post_attention_norm": "post_attention_layernorm",
	"ffn_norm":            "pre_feedforward_layernorm",
	"post_ffw_norm":       "post_feedforward_layernorm",
}

// ggufExperts are a router and stacked experts [E, out, in].
func ggufExperts(router, experts string) map[string]string {
	return map[string]string{
		"ffn_gate_inp":  router,
		"ffn_gate_exps": experts + ".gate_proj",
		"ffn_up_exps":   experts + ".up_proj",
		"ffn_down_exps": experts + ".down_proj",
	}
}

func merged(tables ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

var ggufName = regexp.MustCompile(`^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$`)

// checkpointName translates one name. Those of the positions' scaling are read
// with the configuration; what it does not know stays as it is, and shows up as
// no part of the model.
func (a *ggufArch) checkpointName(name string) (checkpoint string, keep bool) {
	switch name {
	case ggufRopeFreqs, ggufRopeLong, ggufRopeShort:
		return "", false
	}
	m := ggufName.FindStringSubmatch(name)
	if m == nil {
		return name, true
	}
	known, suffix := a.names[m[2]+"."+m[3]], ""
	if known == "" {
		known, suffix = orElse(a.names[m[2]], ggufNames[m[2]]), "."+m[3]
	}
	switch {
	case known == "":
		return name, true
	case m[1] == "":
		return known + suffix, true
	}
	return fmt.Sprintf("model.layers.%s.%s%s", m[1], known, suffix), true
}

// fileName is the reverse of checkpointName: the name in a file of a tensor that
// the model saves under that name, "" where the architecture has none.
func (a *ggufArch) fileName(checkpoint string) string {
	name, layer := checkpoint, ""
	if m := checkpointLayer.FindStringSubmatch(checkpoint); m != nil {
		name, layer = m[2], "blk."+m[1]+"."
	}
	stored := a.stored()
	if known, ok := stored[name]; ok {
		return layer + known
	}
	for _, suffix := range []string{".weight", ".bias"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && stored[base] != "" {
			return layer + stored[base] + suffix
		}
	}
	return ""
}

var checkpointLayer = regexp.MustCompile(`^model\.layers\.(\d+)\.(.+)$`)

// stored turns the tables of names round. Where two names of files stand for one
// of the checkpoint, the architecture's own counts.
func (a *ggufArch) stored() map[string]string {
	stored := map[string]string{}
	for _, table := range []map[string]string{merged(ggufNames, a.names), a.names} {
		for name, checkpoint := range table {
			stored[checkpoint] = name
		}
	}
	return stored
}
