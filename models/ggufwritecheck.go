package models

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// ggufCompared are the fields of a configuration that a file says with a key of its
// own, in another way, or not at all.
var ggufCompared = []string{
	"hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
	"layer_types", "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "partial_rotary_factor",
	"num_experts", "num_local_experts", "num_experts_per_tok", "moe_intermediate_size", "norm_topk_prob", "decoder_sparse_step",
	"mlp_only_layers", "swiglu_alpha", "swiglu_limit",
}

// compare reads the configuration back from what is to be written, and refuses one
// that has become another.
func (w *ggufWriter) compare() error {
	if w.err != nil {
		return w.err
	}
	back, err := readGGUFConfig(&ggufDraft{gguf.NewMetadata("the GGUF file", w.Metadata), w}, w.name, w.arch)
	if err != nil {
		return err
	}
	data, err := back.json()
	if err != nil {
		return err
	}
	got, err := resolvedFields(w.arch.modelType, data)
	if err != nil {
		return err
	}
	fields := ggufCompared
	if strings.Contains(fmt.Sprint(w.fields["layer_types"]), slidingAttention) {
		fields = append(fields[:len(fields):len(fields)], "sliding_window")
	}
	for _, name := range fields {
		want, is := orNone(w.fields[name]), orNone(got[name])
		if !reflect.DeepEqual(want, is) && !(name == "partial_rotary_factor" && orElse(want, any(1.0)) == orElse(is, any(1.0))) {
			return fmt.Errorf("%s: llama.cpp's %s cannot say %v, only %v", name, w.name, want, is)
		}
	}
	return nil
}

// orNone is nil for an empty list, and for 0.
func orNone(v any) any {
	if list, ok := v.([]any); ok && len(list) == 0 || v == 0.0 {
		return nil
	}
	return v
}

// ggufDraft is a file that is to be written.
type ggufDraft struct {
	gguf.Metadata
	w *ggufWriter
}

// Name implements ggufHeader.
func (d *ggufDraft) Name() string { return "the GGUF file" }

// Tensor implements ggufHeader.
func (d *ggufDraft) Tensor(name string) (gguf.TensorInfo, bool) {
	for _, t := range d.w.Tensors {
		if t.Name == name {
			return gguf.TensorInfo{Name: name, Shape: t.Shape(), Type: gguf.TypeF32}, true
		}
	}
	return gguf.TensorInfo{}, false
}

// Data implements ggufHeader for the factors of positions.
func (d *ggufDraft) Data(info gguf.TensorInfo) ([]byte, error) {
	for _, t := range d.w.Tensors {
		if factors, ok := t.Tensor.(floatTensor); ok && t.Name == info.Name {
			return binary.Append(nil, binary.LittleEndian, []float32(factors))
		}
	}
	return nil, fmt.Errorf("tensor %s is not written yet", info.Name)
}
