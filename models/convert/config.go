package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/nn"
)

// config is config.json on its way from one folder to the next. Reference:
// load_config, quantize_model and save_config of mlx_lm/utils.py.
type config struct{ object }

// readConfig is config.json with the stop tokens of generation_config.json in dir,
// which go before its own.
func readConfig(data []byte, dir string) (config, error) {
	o, err := parseObject(data)
	if err != nil {
		return config{}, fmt.Errorf("config.json: %w", err)
	}
	c := config{o}
	data, err = beside(dir, "generation_config.json")
	if err != nil {
		return c, err
	}
	if generation, err := parseObject(data); err == nil { // mlx-lm passes over one that is broken
		if eos := generation.get("eos_token_id"); truthy(eos) {
			c.set("eos_token_id", eos)
		}
	}
	if text, ok := c.get("text_config").(object); ok && c.index("quantization_config") < 0 {
		if q := text.get("quantization_config"); q != nil {
			c.set("quantization_config", q)
		}
	}
	return c, nil
}

// truthy is Python's idea of a value that is there.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case object:
		return len(v) > 0
	}
	return true
}

// dtype is the name of the dtype that weights are stored in. mlx-lm looks at these
// two fields and no others.
func (c *config) dtype() string {
	if name, ok := c.get("torch_dtype").(string); ok {
		return name
	}
	text, _ := c.get("text_config").(object)
	name, _ := text.get("dtype").(string)
	return name
}

// entry is how config.json says that something is packed.
func entry(q nn.Quantisation, bare bool) object {
	o := object{{"group_size", q.GroupSize}, {"bits", q.Bits}}
	if !bare {
		o = append(o, member{"mode", q.Mode})
	}
	return o
}

// nested are fields that mlx-lm fills in where config.json describes a language
// model within another.
var nested = map[string]struct{ vocab, heads, kvHeads int }{
	"gemma3": {262208, 8, 4},
	"gemma4": {262144, 8, 1},
}

// settleText fills in fields of text_config.
func (c *config) settleText() {
	text, ok := c.get("text_config").(object)
	if !ok {
		return
	}
	kind, _ := c.get("model_type").(string)
	if def, ok := nested[kind]; ok {
		vocab := c.get("vocab_size")
		if vocab == nil {
			vocab = def.vocab
		}
		text.set("vocab_size", vocab)
		text.setDefault("num_attention_heads", def.heads)
		text.setDefault("num_key_value_heads", def.kvHeads)
	}
	if kind == "mistral3" {
		text.setDefault("tie_word_embeddings", false)
	}
	c.set("text_config", text)
}

// settle writes down how the weights are packed.
func (s *settings) settle(c *config, items []*item) {
	c.settleText()
	if s.dequantise {
		c.remove("quantization", "quantization_config")
	} else {
		c.settlePacked(items)
	}
	if s.quantise {
		fine := true // some are packed already, so that each has an entry
		if c.index("quantization") < 0 {
			c.set("quantization", entry(s.base, false))
			fine = false
		}
		q, _ := c.get("quantization").(object)
		for _, it := range items {
			if it.chosen.q.Bits > 0 && (it.chosen.own || fine) {
				q.set(it.layer(), entry(it.chosen.q, it.chosen.bare))
			}
		}
		c.set("quantization", q)
	}
	if q := c.get("quantization"); q != nil {
		c.set("quantization_config", q)
	}
	c.remove("_name_or_path", "vision_config")
	slices.SortFunc(c.object, func(a, b member) int { return cmp.Compare(a.key, b.key) })
}

// settlePacked says in MLX's words what another packer packed.
func (c *config) settlePacked(items []*item) {
	if c.index("quantization") >= 0 {
		return
	}
	block, _ := c.get("quantization_config").(object)
	method, _ := block.get("quant_method").(string)
	if method == "" && block != nil {
		c.set("quantization", block) // MLX's own, under the other name
		return
	}
	all := mostly(items)
	if all.Bits == 0 {
		return
	}
	q := entry(all, method == "awq" || method == "gptq")
	for _, it := range items {
		if it.from.Bits > 0 && it.from != all {
			q.set(it.layer(), entry(it.from, false))
		}
	}
	c.set("quantization", q)
}

// mostly is how most of what is packed is packed, the first of equals.
func mostly(items []*item) (all nn.Quantisation) {
	count := map[nn.Quantisation]int{}
	for _, it := range items {
		count[it.from]++
	}
	for _, it := range items {
		if it.from.Bits > 0 && count[it.from] > count[all] || all.Bits == 0 {
			all = it.from
		}
	}
	return all
}
