package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

// ErrUnknownArchitecture is wrapped when a checkpoint is of a model_type that
// the package does not have.
var ErrUnknownArchitecture = errors.New("unknown architecture")

// architectures maps config.json's model_type to its model. This is the one
// place to register a new one.
var architectures = map[string]builder{
	"glm4":    build(newGlm4),
	"llama":   build(newLlama),
	"mistral": build(newLlama), // as mlx-lm does: the same graph
	"olmo2":   build(newOlmo2),
	"olmo3":   build(newOlmo3),
}

// architecture is a model without its weights: nn.Load fills its fields.
type architecture interface{ generate.Model }

// sanitizer is an architecture whose checkpoints name or shape their tensors in
// several ways: it shows them in the one that its fields are tagged with.
type sanitizer interface {
	sanitize(w nn.Weights) nn.Weights
}

// builder makes a model from the bytes of config.json.
type builder func(config []byte) (architecture, error)

// configuration is a pointer to a config struct that can check itself.
type configuration[C any] interface {
	*C
	normalize() error
}

// build wraps a model's constructor: the configuration is decoded and checked
// before anything is made of it.
func build[C any, P configuration[C]](make func(*C) architecture) builder {
	return func(data []byte) (architecture, error) {
		var c C
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, configError(err)
		}
		if err := P(&c).normalize(); err != nil {
			return nil, err
		}
		return make(&c), nil
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
	b, ok := architectures[c.ModelType]
	if !ok {
		known := slices.Sorted(maps.Keys(architectures))
		return nil, fmt.Errorf("model_type: %w %q; known: %s", ErrUnknownArchitecture, c.ModelType, strings.Join(known, ", "))
	}
	return b(data)
}

// configError names the field of a value that JSON could not decode.
func configError(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		return fieldError(typ.Field, "%s is no %s", typ.Value, typ.Type)
	}
	return fmt.Errorf("not valid JSON: %w", err)
}
