package data

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// Encoder is how a model writes texts and conversations. It is safe for
// concurrent use.
type Encoder struct {
	Tokenizer *tokenizer.Tokenizer
	Templates *templates.Set // nil where only texts are read
	EOS       int32          // ends a text; -1 for none
}

// thinkTokens begin and end what a model thinks before it answers.
var thinkTokens = [...][2]string{
	{"<think>", "</think>"},
	{"<longcat_think>", "</longcat_think>"},
	{"<|think:start|>", "<|think:end|>"},
	{"<|channel>", "<channel|>"},
}

// text encodes a whole text, with the tokens that the tokenizer puts around it and
// the one that ends it.
func (e *Encoder) text(text string) (*Example, error) {
	ids, err := e.Tokenizer.Encode(text)
	if err != nil {
		return nil, err
	}
	if e.EOS >= 0 && (len(ids) == 0 || ids[len(ids)-1] != e.EOS) {
		ids = append(ids, e.EOS)
	}
	return &Example{Tokens: ids}, nil
}

// conversation is a chat as rows have it.
type conversation struct {
	messages []templates.Message
	tools    []any
}

// chat is the first n messages as the template takes them; like mlx-lm's, models
// that can think do.
func (e *Encoder) chat(c *conversation, n int, opened bool) templates.Chat {
	thinks := false
	for _, t := range thinkTokens {
		_, start := e.Tokenizer.ID(t[0])
		_, end := e.Tokenizer.ID(t[1])
		thinks = thinks || start && end
	}
	return templates.Chat{Messages: c.messages[:n], Tools: c.tools, AddGenerationPrompt: opened,
		Extra: map[string]any{"enable_thinking": thinks}}
}

// render writes the first n messages; opened ends with the opening of an answer.
func (e *Encoder) render(c *conversation, n int, opened bool) (string, error) {
	if n == 0 {
		return "", errors.New("there is no message before the answer")
	}
	return e.Templates.Render(e.chat(c, n, opened))
}

// encode returns the tokens of what a template wrote, special ones included.
func (e *Encoder) encode(text string) ([]int32, error) {
	return e.Tokenizer.Encode(text, tokenizer.WithoutSpecialTokens())
}

// conversation encodes a chat and masks what is not to be trained.
func (e *Encoder) conversation(c *conversation, m mask) (*Example, error) {
	if e.Templates == nil {
		return nil, fmt.Errorf("the model has %w", templates.ErrNoTemplate)
	}
	switch m {
	case maskPrompt:
		return e.lastTurn(c)
	case maskOthers:
		return e.answers(c)
	}
	text, err := e.render(c, len(c.messages), false)
	if err != nil {
		return nil, err
	}
	ids, err := e.encode(text)
	return &Example{Tokens: ids}, err
}
