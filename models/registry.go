package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ErrUnknownArchitecture is wrapped when a checkpoint is of a model_type that
// the package does not have.
var ErrUnknownArchitecture = errors.New("unknown architecture")

// architectures maps config.json's model_type to its model. This is the one
// place to register a new one.
var architectures = map[string]builder{
	"deepseek_v2":         build(newDeepseekV2),
	"deepseek_v3":         build(newDeepseekV3),
	"gemma2":              build(newGemma2),
	"gemma3_text":         build(newGemma3Text),
	"gemma4_text":         build(newGemma4Text),
	"gemma4_unified_text": build(newGemma4UnifiedText),
	"glm4":                build(newGlm4),
	"glm4_moe":            build(newGlm4Moe),
	"granite":             build(newGranite),
	"granitemoe":          build(newGraniteMoE),
	"gpt_oss":             build(newGptOss),
	"joyai_llm_flash":     build(newDeepseekV3), // as mlx-lm does: the same graph, and so is the next
	"kimi_k2":             build(newDeepseekV3),
	"llama":               build(newLlama),
	"ministral3":          build(newMinistral3),
	"mistral":             build(newMistral),
	"mixtral":             build(newMixtral),
	"olmoe":               build(newOlmoe),
	"olmo2":               build(newOlmo2),
	"olmo3":               build(newOlmo3),
	"phi3":                build(newPhi3),
	"phimoe":              build(newPhiMoE),
	"qwen2":               build(newQwen2),
	"qwen2_moe":           build(newQwen2MoE),
	"qwen3":               build(newQwen3),
	"qwen3_5_moe_text":    build(newQwen3_5MoeText),
	"qwen3_5_text":        build(newQwen3_5Text),
	"qwen3_moe":           build(newQwen3MoE),
	"qwen3_next":          build(newQwen3Next),
	"smollm3":             build(newSmolLM3),
}

// textModels maps the model_type of checkpoints that nest their language model's
// configuration in text_config to its model_type, where text_config does not say.
var textModels = map[string]string{
	"gemma3":         "gemma3_text",
	"gemma4":         "gemma4_text",
	"gemma4_unified": "gemma4_unified_text",
	"mistral3":       "mistral",
	"qwen3_5":        "qwen3_5_text",
	"qwen3_5_moe":    "qwen3_5_moe_text",
}

// architecture is a model without its weights: nn.Load fills its fields.
type architecture interface {
	generate.Model
	// Hidden maps tokens [B, L] to what the output layer reads, [B, L, D].
	Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array
	// Head maps that to logits [B, L, V]: rows are independent.
	Head(s *mlx.Scope, h mlx.Array) mlx.Array
	// headLayer is the layer that Head computes with.
	headLayer() any
}

// sanitizer is an architecture whose checkpoints name or shape their tensors in
// several ways: it shows them in the one that its fields are tagged with.
type sanitizer interface {
	sanitize(w nn.Weights) nn.Weights
}

// builder makes a model from the bytes of config.json, and returns its configuration
// too, with defaults for what the file leaves out.
type builder func(config []byte) (arch architecture, resolved any, err error)

// configuration is a pointer to a config struct that can check itself.
type configuration[C any] interface {
	*C
	normalize() error
}

// build wraps a model's constructor: the configuration is decoded and checked
// before anything is made of it.
func build[C any, P configuration[C]](make func(*C) architecture) builder {
	return func(data []byte) (architecture, any, error) {
		var c C
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, nil, configError(err)
		}
		if err := P(&c).normalize(); err != nil {
			return nil, nil, err
		}
		return make(&c), &c, nil
	}
}

// newArchitecture makes the model that config.json describes.
func newArchitecture(data []byte) (architecture, error) {
	var c struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, configError(err)
	}
	if kind, ok := textModels[c.ModelType]; ok {
		return newLanguageModel(data, kind)
	}
	b, ok := architectures[c.ModelType]
	if !ok {
		return nil, unknownArchitecture("model_type", c.ModelType)
	}
	arch, _, err := b(data)
	return arch, err
}

// newLanguageModel makes the language model that text_config describes.
func newLanguageModel(data []byte, kind string) (architecture, error) {
	text, kind, err := textConfig(data, kind)
	if err != nil {
		return nil, err
	}
	b, ok := architectures[kind]
	if !ok {
		return nil, unknownArchitecture("text_config.model_type", kind)
	}
	arch, _, err := b(text)
	if err != nil {
		return nil, fmt.Errorf("text_config: %w", err)
	}
	return &languageModel{arch}, nil
}

func unknownArchitecture(field, kind string) error {
	known := slices.AppendSeq(slices.Collect(maps.Keys(architectures)), maps.Keys(textModels))
	slices.Sort(known)
	return fmt.Errorf("%s: %w %q; known: %s", field, ErrUnknownArchitecture, kind, strings.Join(known, ", "))
}

// configError names the field of a value that JSON could not decode.
func configError(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		return fieldError(fileField(typ.Field), "%s is no %s", typ.Value, typ.Type)
	}
	return fmt.Errorf("not valid JSON: %w", err)
}

// fileField is a field as the file has it: encoding/json puts the names of embedded
// structs before it, which are Go's and have capital letters.
func fileField(path string) string {
	parts := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return strings.ToLower(part) != part }), ".")
}
