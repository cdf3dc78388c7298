package models

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// languageModel is the part that reads and writes text of a checkpoint that also
// sees or hears.
type languageModel struct {
	Text architecture `weight:""`
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *languageModel) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Text.Forward(s, tokens, kv)
}

// Hidden implements architecture.
func (m *languageModel) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Text.Hidden(s, tokens, kv)
}

// Head implements architecture.
func (m *languageModel) Head(s *mlx.Scope, h mlx.Array) mlx.Array { return m.Text.Head(s, h) }

func (m *languageModel) headLayer() any { return m.Text.headLayer() }

// NewCache makes an empty cache.
func (m *languageModel) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return m.Text.NewCache(t, opts...)
}

// sanitize shows the language model's tensors as those of a model of its own.
func (m *languageModel) sanitize(w nn.Weights) nn.Weights {
	w = nn.Rename(w, textTensor)
	if a, ok := m.Text.(sanitizer); ok {
		return a.sanitize(w)
	}
	return w
}

// outerFields are those that a checkpoint says of itself as a whole: they go
// before what text_config says.
var outerFields = []string{"quantization", "quantization_config", "torch_dtype", "dtype", "eos_token_id", "tie_word_embeddings"}

// textConfig is config.json with its text_config laid over it. The model_type is
// text_config's, or kind where it has none.
func textConfig(config []byte, kind string) (merged []byte, modelType string, err error) {
	var fields, text map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, "", configError(err)
	}
	if raw, ok := fields["text_config"]; ok && json.Unmarshal(raw, &text) != nil {
		return nil, "", fieldError("text_config", "no object")
	}
	delete(fields, "text_config")
	fields["model_type"], _ = json.Marshal(kind)
	outer := maps.Clone(fields)
	maps.Copy(fields, text)
	for _, name := range outerFields {
		if v, ok := outer[name]; ok && !bytes.Equal(v, []byte("null")) {
			fields[name] = v
		}
	}
	if err := json.Unmarshal(fields["model_type"], &modelType); err != nil {
		return nil, "", fieldError("text_config.model_type", "%s is no string", fields["model_type"])
	}
	merged, err = json.Marshal(fields)
	return merged, modelType, err
}

// otherTowers are the parts of a checkpoint that are not its language model, by
// the part of the name before the first dot.
var otherTowers = []string{
	"vision_tower", "vision_model", "vision_embedder", "visual", "multi_modal_projector",
	"audio_tower", "embed_audio", "embed_vision",
}

// textTensor is the name that a tensor has in a language model of its own, and
// whether it belongs to it at all. Hugging Face wrote language_model.model.layers,
// MLX does, and newer files say model.language_model.layers.
func textTensor(stored string) (name string, keep bool) {
	rest := strings.TrimPrefix(stored, "model.")
	tower, _, _ := strings.Cut(rest, ".")
	if slices.Contains(otherTowers, tower) {
		return "", false
	}
	if inner, ok := strings.CutPrefix(stored, "model.language_model."); ok {
		return "model." + inner, true
	}
	return strings.TrimPrefix(stored, "language_model."), true
}
