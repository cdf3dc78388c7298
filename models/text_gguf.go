package models

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// ggufText reads vocabulary, chat templates and stop tokens of a GGUF file.
func ggufText(f *gguf.File) (x text, err error) {
	if x.tokenizer, err = tokenizer.FromGGUF(&f.Metadata); err != nil {
		return x, err
	}
	if x.templates, err = templates.FromGGUF(&f.Metadata); err != nil {
		return x, fmt.Errorf("%s: %w", f.Name(), err)
	}
	for _, key := range []string{"eos", "eot", "eom"} {
		key = "tokenizer.ggml." + key + "_token_id"
		id, err := f.Int(key)
		if errors.Is(err, gguf.ErrNotFound) {
			continue
		}
		if err != nil {
			return x, err
		}
		if _, ok := x.tokenizer.Token(int32(id)); !ok || id != int64(int32(id)) {
			return x, fmt.Errorf("%s: %s: %d is not a token", f.Name(), key, id)
		}
		x.stop(int32(id))
	}
	return x, nil
}
