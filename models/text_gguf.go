package models

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// ggufText reads vocabulary, chat template and stop tokens of a GGUF file.
func ggufText(f *gguf.File) (x text, err error) {
	if x.tokenizer, err = tokenizer.FromGGUF(&f.Metadata); err != nil {
		return x, err
	}
	source, err := f.String("tokenizer.chat_template")
	if err != nil && !errors.Is(err, gguf.ErrNotFound) {
		return x, err
	}
	if err := x.setTemplate(source); err != nil {
		return x, fmt.Errorf("%s: tokenizer.chat_template: %w", f.Name(), err)
	}
	for _, mark := range []struct {
		key  string
		text *string
		stop bool
	}{
		{"tokenizer.ggml.bos_token_id", &x.bos, false},
		{"tokenizer.ggml.eos_token_id", &x.eos, true},
		{"tokenizer.ggml.eot_token_id", nil, true},
		{"tokenizer.ggml.eom_token_id", nil, true},
	} {
		id, err := f.Int(mark.key)
		if errors.Is(err, gguf.ErrNotFound) {
			continue
		}
		if err != nil {
			return x, err
		}
		token, ok := x.tokenizer.Token(int32(id))
		if !ok || id != int64(int32(id)) {
			return x, fmt.Errorf("%s: %s: %d is not a token", f.Name(), mark.key, id)
		}
		if mark.text != nil {
			*mark.text = token
		}
		if mark.stop {
			x.stop(int32(id))
		}
	}
	return x, nil
}
