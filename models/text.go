package models

import (
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// text is how a model reads and writes: its tokenizer, its chat template and the
// tokens that end a text.
type text struct {
	tokenizer *tokenizer.Tokenizer
	template  *templates.Template // nil where the model has none
	bos, eos  string              // as the template writes them
	stops     []int32
}

// encode returns the ids of s; special adds those that the tokenizer puts around a
// text.
func (x *text) encode(s string, special bool) ([]int32, error) {
	if special {
		return x.tokenizer.Encode(s)
	}
	return x.tokenizer.Encode(s, tokenizer.WithoutSpecialTokens())
}

// decoder starts a stream of text.
func (x *text) decoder() generate.Text { return x.tokenizer.NewDecoder() }

// render writes a conversation as the model's prompt, ending with the opening of
// its answer unless the last message is to be continued.
func (x *text) render(c templates.Chat) (string, error) {
	if x.template == nil {
		return "", fmt.Errorf("models: chat: %w", ErrNoChatTemplate)
	}
	if c.BOSToken == "" {
		c.BOSToken = x.bos
	}
	if c.EOSToken == "" {
		c.EOSToken = x.eos
	}
	if !c.ContinueFinalMessage {
		c.AddGenerationPrompt = true
	}
	return x.template.Render(c)
}

// setTemplate compiles a chat template; no source is no template.
func (x *text) setTemplate(source string) error {
	t, err := templates.Compile(source)
	if errors.Is(err, templates.ErrNoTemplate) {
		return nil
	}
	x.template = t
	return err
}

// stop adds a token that ends a text.
func (x *text) stop(id int32) {
	if !slices.Contains(x.stops, id) {
		x.stops = append(x.stops, id)
	}
}
