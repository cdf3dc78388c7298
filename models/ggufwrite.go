package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// GGUF is a checkpoint as llama.cpp has it in a file.
type GGUF struct {
	// Metadata is all but the numbers that depend on how weights are stored, and where the
	// model comes from.
	Metadata []gguf.Pair
	Tensors  []GGUFTensor
}

// GGUFTensor is a weight under its name in the file, and what is to be done to it.
type GGUFTensor struct {
	nn.Tensor
	Name string
	// Heads over which the rows are reordered, so that features which are turned
	// together become neighbours: each head's two halves alternate. 0 is none.
	Heads int
	// Shift is added to every element.
	Shift float32
	// Whole tensors are stored as F32 whatever the file's type: llama.cpp computes
	// with norms, biases and routers so.
	Whole bool
}

// ggufWritten maps the model_type of configurations to llama.cpp's architecture.
var ggufWritten = map[string]string{
	"llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3moe",
	"gemma2": "gemma2", "gemma3_text": "gemma3", "phi3": "phi3", "gpt_oss": "gpt-oss",
}

// GGUF tells what a GGUF file of the checkpoint holds, as convert_hf_to_gguf.py of
// llama.cpp writes it, but for where the model comes from. What such a file cannot say of the configuration or of the tokenizer is an error. The tensors are those
// of the checkpoint, which is to be closed after them.
func (c *Checkpoint) GGUF() (*GGUF, error) {
	g, err := c.gguf()
	if err != nil {
		return nil, fmt.Errorf("models: %s as GGUF: %w", c.ck.name, err)
	}
	return g, nil
}

func (c *Checkpoint) gguf() (*GGUF, error) {
	w, err := newGGUFWriter(c)
	if err != nil {
		return nil, err
	}
	w.set("general.architecture", w.name)
	w.set("general.type", "model")
	if err := w.config(); err != nil {
		return nil, err
	}
	if err := w.tensors(c.Tensors); err != nil {
		return nil, err
	}
	if err := w.compare(); err != nil {
		return nil, err
	}
	if err := w.text(&c.ck.text); err != nil {
		return nil, err
	}
	return &w.GGUF, w.err
}

// ggufWriter collects what a file holds.
type ggufWriter struct {
	GGUF
	name     string // of the architecture
	arch     *ggufArch
	fields   map[string]any // of the configuration, with defaults
	settings ropeConfig
	err      error // the first
}

func newGGUFWriter(c *Checkpoint) (*ggufWriter, error) {
	config := c.Config
	if kind, ok := textModels[c.outerType()]; ok {
		var err error
		if config, _, err = textConfig(config, kind); err != nil {
			return nil, err
		}
	}
	name, ok := ggufWritten[c.ModelType]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(ggufWritten)), ", ")
		return nil, fmt.Errorf("model_type: %w %q for a GGUF file; known: %s", ErrUnknownArchitecture, c.ModelType, known)
	}
	w := &ggufWriter{name: name, arch: ggufArchs[name]}
	if c.ModelType == ggufMixtral.modelType {
		w.arch = ggufMixtral
	}
	resolved, err := resolvedFields(c.ModelType, config)
	if err != nil {
		return nil, err
	}
	w.fields = resolved
	data, err := json.Marshal(resolved)
	if err != nil {
		return nil, err
	}
	return w, json.Unmarshal(data, &w.settings)
}

// outerType is the model_type of config.json itself.
func (c *Checkpoint) outerType() string {
	var outer struct {
		ModelType string `json:"model_type"`
	}
	_ = json.Unmarshal(c.Config, &outer) // it has been read before
	return outer.ModelType
}

// resolvedFields is a configuration with the defaults of what it leaves out.
func resolvedFields(modelType string, config []byte) (fields map[string]any, err error) {
	_, resolved, err := architectures[modelType](config)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(resolved)
	if err != nil {
		return nil, err
	}
	return fields, json.Unmarshal(data, &fields)
}

// set adds metadata; %s in the key stands for the architecture.
func (w *ggufWriter) set(key string, value any) {
	v, err := gguf.NewValue(value)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", key, err)
	}
	w.Metadata = append(w.Metadata, gguf.Pair{Key: strings.Replace(key, "%s", w.name, 1), Value: v})
}

// num is a number of the configuration, 0 where it has none.
func (w *ggufWriter) num(field string) float64 {
	n, _ := w.fields[field].(float64)
	return n
}

// config writes the configuration's fields.
func (w *ggufWriter) config() error {
	for _, k := range slices.Concat(ggufKeys, w.arch.keys) {
		n := w.num(k.field)
		switch {
		case n == 0 || k.field == "rope_theta" || k.field == "sliding_window_pattern" || k.field == "rope_local_base_freq":
		case k.kind == ggufFloat:
			w.set(k.key, float32(n))
		default:
			w.set(k.key, uint32(n))
		}
	}
	w.set("%s.attention.value_length", uint32(w.num("head_dim")))
	w.set("%s.vocab_size", uint32(w.num("vocab_size")))
	if w.name == "gemma3" {
		w.windows()
	}
	return w.rope()
}

// windows says of Gemma 3 what files leave out where it is as usual.
func (w *ggufWriter) windows() {
	types, _ := w.fields["layer_types"].([]any)
	if pattern := slices.Index(types, any(fullAttention)) + 1; pattern != 6 && pattern > 0 {
		w.set("%s.attention.sliding_window_pattern", uint32(pattern))
	}
	local := Gemma3TextConfig{RopeLocalBaseFreq: w.num("rope_local_base_freq")}
	local.ropeConfig, local.HeadDim = w.settings, int(w.num("head_dim"))
	if base := local.rope(slidingAttention).Base; base != 10000 {
		w.set("%s.rope.freq_base_swa", float32(base))
	}
}

// tensors names the weights.
func (w *ggufWriter) tensors(list []CheckpointTensor) error {
	for _, t := range list {
		checkpoint := strings.TrimPrefix(t.Name, "language_model.")
		name := w.arch.fileName(checkpoint)
		if name == "" {
			return fmt.Errorf("%s: llama.cpp's %s has no such tensor", t.Name, w.name)
		}
		out := GGUFTensor{Tensor: t.Tensor, Name: name}
		switch {
		case w.arch.pairs && strings.Contains(name, ".attn_q."):
			out.Heads = int(w.num("num_attention_heads"))
		case w.arch.pairs && strings.Contains(name, ".attn_k."):
			out.Heads = int(w.num("num_key_value_heads"))
		case w.arch.shifted && strings.HasSuffix(name, "norm.weight"):
			out.Shift = 1
		}
		out.Whole = len(t.Shape()) < 2 || strings.HasSuffix(name, ".bias") || strings.Contains(name, ".ffn_gate_inp.")
		w.Tensors = append(w.Tensors, out)
	}
	return nil
}
