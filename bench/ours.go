package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// ours is go-mlx with the weights in one form.
type ours struct {
	label string
	model *models.Model
}

// The models that have a name: the first is pinned and in Python as well.
const (
	smollm2 = "smollm2"
	gemma3  = "gemma3-270m"
)

// modelPath is the path of a model, fetched if need be, or of a file that is there.
func modelPath(ctx context.Context, name string, log io.Writer) (string, error) {
	switch {
	case filepath.Ext(name) == ".gguf":
		return name, nil
	case name == gemma3:
		return testmodels.Gemma3(ctx, log)
	}
	m, ok := fetch.FindModel(name)
	if !ok {
		return "", fmt.Errorf("bench: no pinned model is called %q", name)
	}
	return fetch.Model(ctx, m, log)
}

// label says in which form a model's weights are.
func label(m *models.Model) string {
	form := "packed"
	if m.Policy().Unpack {
		form = "dense"
	}
	return fmt.Sprintf("go-mlx, %s %v", form, m.Policy().Dtype)
}

func (o *ours) name() string { return o.label }
func (o *ours) side() string { return goMLX }
func (o *ours) close() error { return o.model.Close() }

// run implements contender.
func (o *ours) run(ctx context.Context, w workload) (sample, error) {
	s := sample{promptTokens: w.prompt}
	stream := o.model.GenerateTokens(ctx, w.sequence(w.prompt), generate.WithMaxTokens(w.tokens), generate.WithoutStops())
	for tok, err := range stream {
		if err != nil {
			return s, err
		}
		s.tokens = append(s.tokens, tok.ID)
		if tok.Stats != nil {
			s.promptTime, s.decodeTime, s.arrays = tok.Stats.PromptTime, tok.Stats.GenerateTime, tok.Stats.PeakMemory
		}
	}
	if w.builds == 0 {
		return s, nil
	}
	var err error
	s.builds, s.cache, err = o.builds(ctx, w)
	return s, err
}

// builds times the building of a step's graph, at the positions after a run, and tells
// what keys and values take then. As for the peer, the graph goes up to the logits and
// is computed before the next one is built.
func (o *ours) builds(ctx context.Context, w workload) (times []time.Duration, cached uint64, err error) {
	err = o.model.Worker().Do(ctx, func(t *mlx.Thread) (err error) {
		kv := o.model.NewCache(t)
		defer func() { err = errors.Join(err, kv.Close()) }()
		if err := prefill(t, o.model, kv, w.sequence(w.prompt+w.tokens-1)); err != nil {
			return err
		}
		if cached, err = nbytes(kv.State()); err != nil {
			return err
		}
		token, err := mlx.FromSlice(t, w.ids[:1], 1)
		if err != nil {
			return err
		}
		defer token.Close()
		for len(times) < w.builds {
			took, err := step(t, o.model, kv, token)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			times = append(times, took)
		}
		return nil
	})
	return times, cached, err
}

func nbytes(arrays []mlx.Array) (total uint64, err error) {
	for _, a := range arrays {
		n, err := a.Nbytes()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// chunk is how much of a prompt runs at once, the default of both sides.
const chunk = 2048

// prefill fills the cache with a prompt.
func prefill(t *mlx.Thread, m *models.Model, kv *cache.Cache, prompt []int32) error {
	for part := range slices.Chunk(prompt, chunk) {
		tokens, err := mlx.FromSlice(t, part, 1, len(part))
		if err != nil {
			return err
		}
		_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
			m.Forward(s, tokens, kv)
			return nil
		})
		if err := errors.Join(err, tokens.Close()); err != nil {
			return err
		}
		if err := t.Eval(kv.State()...); err != nil {
			return err
		}
	}
	return nil
}

// step builds a step, computes it, and returns how long the building took, the
// freeing of what is only needed to build it included.
func step(t *mlx.Thread, m *models.Model, kv *cache.Cache, token mlx.Array) (time.Duration, error) {
	began := time.Now()
	logits, err := t.Build(func(s *mlx.Scope) mlx.Array { return m.Forward(s, token, kv) })
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	defer logits.Close()
	return took, t.Eval(append(kv.State(), logits)...)
}
