// Package sidebyside generates for several prompts of one length at once, a step a
// token of each: what a batch costs, measured.
package sidebyside

import (
	"context"
	"errors"
	"fmt"
	"time"

	"forge.lthn.ai/core/go-mlx/generate"
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
	last := len(prompts[0]) - 1
	for lo := 0; err == nil && lo < last; lo += chunk {
		err = w.Do(ctx, func(t *mlx.Thread) error { return b.prefill(t, lo, min(lo+chunk, last)) })
	}
	if err == nil {
		err = w.Do(ctx, b.first)
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

// prefill runs the positions [lo, hi) of the prompts into the cache.
func (b *batch) prefill(t *mlx.Thread, lo, hi int) error {
	var ids []int32
	for _, p := range b.prompts {
		ids = append(ids, p[lo:hi]...)
	}
	tokens, err := mlx.FromSlice(t, ids, len(b.prompts), hi-lo)
	if err != nil {
		return err
	}
	defer tokens.Close()
	if _, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		b.model.Forward(s, tokens, b.cache) // the logits are dropped, and so never computed
		return nil
	}); err != nil {
		return err
	}
	return errors.Join(t.Eval(b.cache.State()...), t.ClearCache())
}

// first computes the tokens that follow the last ones of the prompts.
func (b *batch) first(t *mlx.Thread) (err error) {
	var ids []int32
	for _, p := range b.prompts {
		ids = append(ids, p[len(p)-1])
	}
	tokens, err := mlx.FromSlice(t, ids, len(ids))
	if err != nil {
		return err
	}
	defer tokens.Close()
	if b.next, err = b.after(t, tokens); err != nil {
		return err
	}
	return t.Eval(b.next)
}

// after builds the tokens [B] that follow tokens [B].
func (b *batch) after(t *mlx.Thread, tokens mlx.Array) (mlx.Array, error) {
	return t.Build(func(s *mlx.Scope) mlx.Array {
		return generate.Sampling{}.Sample(s, b.model.Forward(s, tokens, b.cache), mlx.Array{})
	})
}

// step starts the computation of the tokens that follow, and reads those before.
func (b *batch) step(t *mlx.Thread) error {
	following, err := b.after(t, b.next)
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
