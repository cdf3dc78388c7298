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
	templates *templates.Set
	stops     []int32
	eos       int32 // the one that ends a document; -1 for none
}

// encode returns the ids of s; special adds those that the tokenizer puts around a
// text.
func (x *text) encode(s string, special bool) ([]int32, error) {
	if x.tokenizer == nil {
		return nil, errors.New("models: the model has no tokenizer")
	}
	if special {
		return x.tokenizer.Encode(s)
	}
	return x.tokenizer.Encode(s, tokenizer.WithoutSpecialTokens())
}

// decoder starts a stream of text.
func (x *text) decoder() generate.Text {
	if x.tokenizer == nil {
		return nil
	}
	return x.tokenizer.NewDecoder()
}

// render writes a conversation as the model's prompt, ending with the opening of
// its answer unless the last message is to be continued.
func (x *text) render(c templates.Chat) (string, error) {
	if !c.ContinueFinalMessage {
		c.AddGenerationPrompt = true
	}
	if x.templates == nil {
		return "", fmt.Errorf("models: chat: %w", ErrNoChatTemplate)
	}
	prompt, err := x.templates.Render(c)
	if err != nil {
		return "", fmt.Errorf("models: chat: %w", err)
	}
	return prompt, nil
}

// stop adds a token that ends a text.
func (x *text) stop(id int32) {
	if !slices.Contains(x.stops, id) {
		x.stops = append(x.stops, id)
	}
}

// EncodeDocument returns the ids of a whole text as training and scoring take it:
// with the tokens that the tokenizer puts around it, and ended by the one that ends
// a text.
func (m *Model) EncodeDocument(document string) ([]int32, error) {
	ids, err := m.text.encode(document, true)
	if err != nil {
		return nil, err
	}
	if eos := m.text.eos; eos >= 0 && (len(ids) == 0 || ids[len(ids)-1] != eos) {
		ids = append(ids, eos)
	}
	return ids, nil
}
