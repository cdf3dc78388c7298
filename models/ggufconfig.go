package models

import (
	"encoding/json"
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// ggufKind is the type of a metadata value.
type ggufKind int

const (
	ggufInt ggufKind = iota
	ggufFloat
)

// ggufKey says which metadata key holds a field of config.json; %s in it stands
// for the architecture.
type ggufKey struct {
	field, key string
	kind       ggufKind
	required   bool
}

// ggufKeys are the metadata that every architecture has.
var ggufKeys = []ggufKey{
	{"hidden_size", "%s.embedding_length", ggufInt, true},
	{"num_hidden_layers", "%s.block_count", ggufInt, true},
	{"intermediate_size", "%s.feed_forward_length", ggufInt, false},
	{"num_attention_heads", "%s.attention.head_count", ggufInt, true},
	{"num_key_value_heads", "%s.attention.head_count_kv", ggufInt, false},
	{"head_dim", "%s.attention.key_length", ggufInt, false},
	{"max_position_embeddings", "%s.context_length", ggufInt, false},
	{"rms_norm_eps", "%s.attention.layer_norm_rms_epsilon", ggufFloat, true},
	{"rope_theta", "%s.rope.freq_base", ggufFloat, false},
}

// ggufHeader is a GGUF file, or one that is to be written.
type ggufHeader interface {
	Name() string
	String(key string) (string, error)
	Int(key string) (int64, error)
	Float(key string) (float64, error)
	Tensor(name string) (gguf.TensorInfo, bool)
	Data(info gguf.TensorInfo) ([]byte, error)
}

// ggufConfig is a config.json that is being written from a file's metadata.
type ggufConfig struct {
	file   ggufHeader
	arch   string
	fields map[string]any
}

// readGGUFConfig reads what config.json says from a file's metadata.
func readGGUFConfig(f ggufHeader, name string, arch *ggufArch) (*ggufConfig, error) {
	c := &ggufConfig{file: f, arch: name, fields: map[string]any{"model_type": arch.modelType}}
	for field, v := range arch.fixed {
		c.fields[field] = v
	}
	for _, list := range [][]ggufKey{ggufKeys, arch.keys} {
		for _, k := range list {
			if err := c.copyKey(k); err != nil {
				return nil, err
			}
		}
	}
	embedding, ok := f.Tensor("token_embd.weight")
	if !ok || len(embedding.Shape) != 2 {
		return nil, fmt.Errorf("%s: tensor token_embd.weight is missing or no matrix", f.Name())
	}
	c.fields["vocab_size"] = embedding.Shape[0]
	c.fields["tie_word_embeddings"] = !c.has("output.weight")
	c.fields["attention_bias"] = c.has("blk.0.attn_output.bias")
	c.fields["mlp_bias"] = c.has("blk.0.ffn_down.bias")
	if arch.more != nil {
		if err := arch.more(c); err != nil {
			return nil, err
		}
	}
	if err := c.ropeScaling(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *ggufConfig) has(tensor string) bool {
	_, ok := c.file.Tensor(tensor)
	return ok
}

// json is config.json.
func (c *ggufConfig) json() ([]byte, error) { return json.Marshal(c.fields) }

// copyKey copies one value.
func (c *ggufConfig) copyKey(k ggufKey) error {
	key := c.key(k.key)
	var v any
	var err error
	if k.kind == ggufFloat {
		v, err = c.file.Float(key)
	} else {
		v, err = c.file.Int(key)
	}
	switch {
	case errors.Is(err, gguf.ErrNotFound) && !k.required:
		return nil
	case err != nil:
		return err
	}
	c.fields[k.field] = v
	return nil
}

func (c *ggufConfig) key(format string) string { return fmt.Sprintf(format, c.arch) }

// optionalInt is 0 for a key that is not there.
func (c *ggufConfig) optionalInt(format string) (int64, error) {
	return optional(c.file.Int(c.key(format)))
}

// optionalFloat is 0 for a key that is not there.
func (c *ggufConfig) optionalFloat(format string) (float64, error) {
	return optional(c.file.Float(c.key(format)))
}

func optional[T any](v T, err error) (T, error) {
	if errors.Is(err, gguf.ErrNotFound) {
		err = nil
	}
	return v, err
}

func (c *ggufConfig) setDefault(field string, v any) {
	if _, ok := c.fields[field]; !ok {
		c.fields[field] = v
	}
}

// int is a field that was copied, 0 where it was not.
func (c *ggufConfig) int(field string) int64 {
	v, _ := c.fields[field].(int64)
	return v
}

// headDim is the number of features in a head.
func (c *ggufConfig) headDim() int64 {
	return orElse(c.int("head_dim"), c.int("hidden_size")/max(c.int("num_attention_heads"), 1))
}
