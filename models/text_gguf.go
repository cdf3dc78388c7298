package models

import (
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
	x.eos = x.tokenizer.Roles().EOS
	for _, id := range x.tokenizer.Roles().Ends {
		x.stop(id)
	}
	return x, nil
}
