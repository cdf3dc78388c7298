package train

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/templates"
)

// samples are prompts that the model answers before and after.
type samples struct {
	prompts []string
	tokens  int
}

// WithSamples tells what the model answers to prompts, greedily and in that many tokens
// at most, before the first iteration and after the last: as a chat where the model has
// a template, as a text to go on with where it has none.
func WithSamples(tokens int, prompts ...string) Option {
	return func(c *config) { c.samples = samples{prompts, tokens} }
}

// sample tells the answers.
func (r *Run) sample(ctx context.Context) error {
	if len(r.samples.prompts) == 0 || !r.first() {
		return nil
	}
	if err := r.settle(); err != nil {
		return err
	}
	now := r.now()
	r.clock.pause(now)
	for _, prompt := range r.samples.prompts {
		answer, err := r.answer(ctx, prompt)
		if err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		if err := r.tell(SampleEvent{Iter: r.at.Iter, Prompt: prompt, Answer: answer}); err != nil {
			return err
		}
	}
	r.clock.start(r.now())
	return nil
}

func (r *Run) answer(ctx context.Context, prompt string) (string, error) {
	ids, err := r.model.ChatTokens(templates.Chat{Messages: []templates.Message{{Role: "user", Content: prompt}}, AddGenerationPrompt: true})
	if err != nil && !errors.Is(err, models.ErrNoChatTemplate) {
		return "", err
	}
	stream := r.model.GenerateTokens(ctx, ids, generate.WithMaxTokens(r.samples.tokens))
	if err != nil {
		stream = r.model.Generate(ctx, prompt, generate.WithMaxTokens(r.samples.tokens))
	}
	var text strings.Builder
	for tok, err := range stream {
		if err != nil {
			return "", err
		}
		text.WriteString(tok.Text)
	}
	return text.String(), nil
}
