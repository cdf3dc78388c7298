package models

import (
	"encoding/json"
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// ggufKey says which metadata key holds a field of config.json, and of what
// sort it is.
type ggufKey struct {
	field, key string
	float      bool
	required   bool
}

// llamaKeys are the metadata of architecture llama; %s is the architecture.
var llamaKeys = []ggufKey{
	{"hidden_size", "%s.embedding_length", false, true},
	{"num_hidden_layers", "%s.block_count", false, true},
	{"intermediate_size", "%s.feed_forward_length", false, true},
	{"num_attention_heads", "%s.attention.head_count", false, true},
	{"num_key_value_heads", "%s.attention.head_count_kv", false, false},
	{"head_dim", "%s.attention.key_length", false, false},
	{"max_position_embeddings", "%s.context_length", false, false},
	{"rms_norm_eps", "%s.attention.layer_norm_rms_epsilon", true, true},
	{"rope_theta", "%s.rope.freq_base", true, false},
}

// ggufConfig writes config.json from a file's metadata.
func ggufConfig(f *gguf.File) ([]byte, error) {
	arch, err := f.String("general.architecture")
	if err != nil {
		return nil, err
	}
	if arch != "llama" {
		return nil, fmt.Errorf("%s: general.architecture: %w %q; known: llama", f.Name(), ErrUnknownArchitecture, arch)
	}
	config := map[string]any{"model_type": arch}
	for _, k := range llamaKeys {
		if err := k.copy(f, arch, config); err != nil {
			return nil, err
		}
	}
	embedding, ok := f.Tensor("token_embd.weight")
	if !ok || len(embedding.Shape) != 2 {
		return nil, fmt.Errorf("%s: tensor token_embd.weight is missing or no matrix", f.Name())
	}
	config["vocab_size"] = embedding.Shape[0]
	_, untied := f.Tensor("output.weight")
	config["tie_word_embeddings"] = !untied
	if err := ggufScaling(f, arch, config); err != nil {
		return nil, err
	}
	return json.Marshal(config)
}

func (k ggufKey) copy(f *gguf.File, arch string, config map[string]any) error {
	key := fmt.Sprintf(k.key, arch)
	var v any
	var err error
	if k.float {
		v, err = f.Float(key)
	} else {
		v, err = f.Int(key)
	}
	switch {
	case errors.Is(err, gguf.ErrNotFound) && !k.required:
		return nil
	case err != nil:
		return err
	}
	config[k.field] = v
	return nil
}

// ggufScaling reads a linear rope scaling; Llama 3's comes as a tensor of
// frequencies, which is refused for now.
func ggufScaling(f *gguf.File, arch string, config map[string]any) error {
	if _, ok := f.Tensor("rope_freqs.weight"); ok {
		return fmt.Errorf("%s: tensor rope_freqs.weight: frequencies in the file are not supported", f.Name())
	}
	kind, err := f.String(arch + ".rope.scaling.type")
	switch {
	case errors.Is(err, gguf.ErrNotFound), err == nil && kind == "none":
		return nil
	case err != nil:
		return err
	case kind != "linear":
		return fmt.Errorf("%s: %s.rope.scaling.type %q is not supported", f.Name(), arch, kind)
	}
	factor, err := f.Float(arch + ".rope.scaling.factor")
	if err != nil {
		return err
	}
	config["rope_scaling"] = map[string]any{"rope_type": kind, "factor": factor}
	return nil
}
