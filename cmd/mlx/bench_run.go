package main

import (
	"context"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/sidebyside"
	"forge.lthn.ai/core/go-mlx/models"
)

// benchSample is what one run showed.
type benchSample struct {
	promptTPS, generationTPS float64 // of all sequences together
	peak                     uint64  // bytes
}

// measure runs the prompts once: a single one as a user's, several side by side.
func (b *benchCmd) measure(ctx context.Context, m *models.Model, prompts [][]int32) (benchSample, error) {
	if len(prompts) > 1 {
		return b.measureBatch(ctx, m, prompts)
	}
	stream := m.GenerateTokens(ctx, prompts[0], generate.WithMaxTokens(b.Tokens), generate.WithoutStops(),
		generate.WithPrefillStep(b.Prefill))
	var stats *generate.Stats
	for tok, err := range stream {
		if err != nil {
			return benchSample{}, err
		}
		stats = tok.Stats
	}
	return benchSample{stats.PromptTPS(), stats.GenerationTPS(), stats.PeakMemory}, nil
}

func (b *benchCmd) measureBatch(ctx context.Context, m *models.Model, prompts [][]int32) (s benchSample, err error) {
	r, err := sidebyside.Run(ctx, m, prompts, b.Tokens, b.Prefill)
	if err != nil {
		return s, err
	}
	rows := float64(len(prompts))
	return benchSample{
		promptTPS:     rows * float64(b.Prompt) / r.PromptTime.Seconds(),
		generationTPS: rows * float64(b.Tokens-1) / r.DecodeTime.Seconds(),
		peak:          r.Peak,
	}, nil
}
