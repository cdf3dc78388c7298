package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
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

// benchBatch is a run of sequences of equal length, each step a turn of its own on the
// thread.
type benchBatch struct {
	model *models.Model
	cache *cache.Cache
	next  mlx.Array // [B], the tokens being computed
}

func (b *benchCmd) measureBatch(ctx context.Context, m *models.Model, prompts [][]int32) (s benchSample, err error) {
	run := &benchBatch{model: m}
	w := m.Worker()
	defer func() {
		err = errors.Join(err, w.Do(context.WithoutCancel(ctx), func(*mlx.Thread) error { return run.close() }))
	}()
	began := time.Now()
	err = w.Do(ctx, func(t *mlx.Thread) error {
		run.cache = m.NewCache(t)
		return t.ResetPeakMemory()
	})
	for lo := 0; err == nil && lo < b.Prompt; lo += b.Prefill {
		hi := min(lo+b.Prefill, b.Prompt)
		err = w.Do(ctx, func(t *mlx.Thread) error { return run.prefill(t, prompts, lo, hi) })
	}
	read := time.Now() // the first tokens are there
	for n := 1; err == nil && n < b.Tokens; n++ {
		err = w.Do(ctx, func(t *mlx.Thread) error { return run.step(t) })
	}
	if err != nil {
		return s, err
	}
	err = w.Do(ctx, func(t *mlx.Thread) error { return t.Eval(run.next) })
	rows := float64(len(prompts))
	s.promptTPS = rows * float64(b.Prompt) / read.Sub(began).Seconds()
	s.generationTPS = rows * float64(b.Tokens-1) / time.Since(read).Seconds()
	return s, errors.Join(err, w.Do(ctx, func(t *mlx.Thread) (err error) {
		s.peak, err = t.PeakMemory()
		return err
	}))
}

// prefill runs the positions [lo, hi) of the prompts, and computes the tokens that
// follow the last one.
func (r *benchBatch) prefill(t *mlx.Thread, prompts [][]int32, lo, hi int) (err error) {
	var ids []int32
	for _, p := range prompts {
		ids = append(ids, p[lo:hi]...)
	}
	tokens, err := mlx.FromSlice(t, ids, len(prompts), hi-lo)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()
	last := hi == len(prompts[0])
	made, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		logits := r.model.Forward(s, tokens, r.cache) // [B, L, V]
		if !last {
			return nil
		}
		ends := s.TakeAxis(logits, s.Scalar(float64(hi-lo-1), mlx.Int32), 1)
		return []mlx.Array{s.ArgmaxAxis(ends, -1, false)}
	})
	if err != nil {
		return err
	}
	if last {
		r.next = made[0]
	}
	return errors.Join(t.Eval(slices.Concat(made, r.cache.State())...), t.ClearCache())
}

// step starts the computation of the tokens that follow, and waits for those before.
func (r *benchBatch) step(t *mlx.Thread) error {
	following, err := t.Build(func(s *mlx.Scope) mlx.Array {
		return s.ArgmaxAxis(r.model.Forward(s, r.next, r.cache), -1, false)
	})
	if err != nil {
		return err
	}
	before := r.next
	r.next = following
	if err := t.AsyncEval(following); err != nil {
		return errors.Join(err, before.Close())
	}
	return errors.Join(t.Eval(before), before.Close())
}

// close frees what a run holds.
func (r *benchBatch) close() error {
	if r.cache == nil {
		return nil
	}
	return errors.Join(r.next.Close(), r.cache.Close())
}
