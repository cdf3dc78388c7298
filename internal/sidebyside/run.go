// Package sidebyside generates for several prompts of one length at once, a step a
// token of each: what a batch costs, measured.
package sidebyside

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Result is what a run came to.
type Result struct {
	Tokens     [][]int32     // greedy, those of each prompt
	PromptTime time.Duration // until the first tokens were there
	DecodeTime time.Duration // for the tokens after the first ones
	Peak       uint64        // bytes of MLX's arrays
}

// Run generates tokens, two at least, after each of the prompts, which are read by
// chunks of so many positions. Each step is a turn of its own on the model's thread.
func Run(ctx context.Context, m *models.Model, prompts [][]int32, tokens, chunk int) (r Result, err error) {
	b := &batch{model: m, prompts: prompts, tokens: make([][]int32, len(prompts))}
	w := m.Worker()
	defer func() {
		err = errors.Join(err, w.Do(context.WithoutCancel(ctx), func(*mlx.Thread) error { return b.close() }))
	}()
	began := time.Now()
	err = w.Do(ctx, func(t *mlx.Thread) error {
		b.cache = m.NewCache(t)
		return t.ResetPeakMemory()
	})
	length := len(prompts[0])
	for lo := 0; err == nil && lo < length; lo += chunk {
		err = w.Do(ctx, func(t *mlx.Thread) error { return b.prefill(t, lo, min(lo+chunk, length)) })
	}
	read := time.Now()
	for n := 1; err == nil && n < tokens; n++ {
		err = w.Do(ctx, b.step)
	}
	if err == nil {
		err = w.Do(ctx, func(t *mlx.Thread) (err error) {
			if err := b.read(t, b.next); err != nil {
				return err
			}
			r.Peak, err = t.PeakMemory()
			return err
		})
	}
	if err != nil {
		return r, fmt.Errorf("sidebyside: %w", err)
	}
	r.Tokens, r.PromptTime, r.DecodeTime = b.tokens, read.Sub(began), time.Since(read)
	return r, nil
}

// batch is a Run on its way.
type batch struct {
	model   *models.Model
	prompts [][]int32
	cache   *cache.Cache
	next    mlx.Array // [B], the tokens being computed
	tokens  [][]int32
}

// prefill runs the positions [lo, hi) of the prompts, and computes the tokens that
// follow the last one.
func (b *batch) prefill(t *mlx.Thread, lo, hi int) (err error) {
	var ids []int32
	for _, p := range b.prompts {
		ids = append(ids, p[lo:hi]...)
	}
	tokens, err := mlx.FromSlice(t, ids, len(b.prompts), hi-lo)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()
	last := hi == len(b.prompts[0])
	made, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		logits := b.model.Forward(s, tokens, b.cache) // [B, L, V]
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
		b.next = made[0]
	}
	return errors.Join(t.Eval(slices.Concat(made, b.cache.State())...), t.ClearCache())
}

// step starts the computation of the tokens that follow, and reads those before.
func (b *batch) step(t *mlx.Thread) error {
	following, err := t.Build(func(s *mlx.Scope) mlx.Array {
		return s.ArgmaxAxis(b.model.Forward(s, b.next, b.cache), -1, false)
	})
	if err != nil {
		return err
	}
	before := b.next
	b.next = following
	if err := t.AsyncEval(following); err != nil {
		return errors.Join(err, before.Close())
	}
	return errors.Join(b.read(t, before), before.Close())
}

// read notes the tokens [B], once they are there.
func (b *batch) read(t *mlx.Thread, tokens mlx.Array) error {
	ids, err := mlx.Values[uint32](t, tokens)
	for i, id := range ids {
		b.tokens[i] = append(b.tokens[i], int32(id))
	}
	return err
}

// close frees what a run holds.
func (b *batch) close() error {
	if b.cache == nil {
		return nil
	}
	return errors.Join(b.next.Close(), b.cache.Close())
}
