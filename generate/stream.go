package generate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Token is one generated token.
type Token struct {
	ID   int32
	Text string // the characters that are complete with it; often empty for a part of one
	// Finish is set on the last token: Stop or Length.
	Finish Finish
	// Stats are the figures of the whole generation, on the last token only.
	Stats *Stats
}

// Finish says why a generation ended.
type Finish string

// The reasons to finish: a stop token came, or the bound was reached.
const (
	Stop   Finish = "stop"
	Length Finish = "length"
)

// Stats are the figures of one generation.
type Stats struct {
	PromptTokens    int
	GeneratedTokens int
	PromptTime      time.Duration // until the first token was there
	GenerateTime    time.Duration // for the tokens after the first
	PeakMemory      uint64        // bytes that MLX held at most
}

// PromptTPS is the prompt's tokens per second.
func (s *Stats) PromptTPS() float64 { return perSecond(s.PromptTokens, s.PromptTime) }

// GenerationTPS is the tokens per second after the first one.
func (s *Stats) GenerationTPS() float64 { return perSecond(s.GeneratedTokens-1, s.GenerateTime) }

func perSecond(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Stream generates tokens after prompt on w's thread, step by step as they are
// asked for. The context is looked at between steps: cancelled, it ends the
// stream with its error. Whatever ends the stream, everything it held is freed
// before the loop over it goes on.
func Stream(ctx context.Context, w *mlx.Worker, m Model, prompt []int32, text Text, opts ...Option) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		c, err := newConfig(opts)
		if err == nil && len(prompt) == 0 {
			err = errors.New("generate: the prompt has no tokens")
		}
		if err != nil {
			yield(Token{}, err)
			return
		}
		r := &run{w: w, config: c, text: text, stats: Stats{PromptTokens: len(prompt)}}
		if c.maxTokens == 0 {
			yield(Token{Finish: Length, Stats: &r.stats}, nil)
			return
		}
		more := true
		err = r.all(ctx, m, prompt, func(tok Token) bool {
			more = yield(tok, nil)
			return more
		})
		if err != nil && more {
			yield(Token{}, err)
		}
	}
}

// run is a Stream on its way, on the caller's goroutine.
type run struct {
	w      *mlx.Worker
	config *config
	text   Text
	stats  Stats
	dec    *decoder
	began  time.Time
}

// all runs the prompt, then a step a token until one is the last or emit
// declines.
func (r *run) all(ctx context.Context, m Model, prompt []int32, emit func(Token) bool) (err error) {
	defer func() {
		if r.dec != nil {
			err = errors.Join(err, r.dec.close())
		}
	}()
	if err := r.prompt(ctx, m, prompt); err != nil {
		return err
	}
	for {
		tok, err := r.step(ctx)
		if err != nil {
			return err
		}
		if !emit(tok) || tok.Finish != "" {
			return nil
		}
	}
}

// prompt runs the prompt in chunks, each a turn of its own on the thread.
func (r *run) prompt(ctx context.Context, m Model, prompt []int32) error {
	r.began = time.Now()
	total := len(prompt)
	err := r.w.Do(ctx, func(t *mlx.Thread) error {
		r.dec = newDecoder(t, m, r.config)
		return t.ResetPeakMemory()
	})
	for err == nil && len(prompt) > 1 {
		r.config.progress(total-len(prompt), total)
		err = r.w.Do(ctx, func(t *mlx.Thread) (err error) {
			prompt, err = r.dec.prefill(t, prompt)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("generate: prompt: %w", err)
	}
	if err := r.w.Do(ctx, func(t *mlx.Thread) error { return r.dec.start(t, prompt[0]) }); err != nil {
		return fmt.Errorf("generate: prompt: %w", err)
	}
	r.config.progress(total, total)
	return nil
}

// step reads one token and decides whether it is the last.
func (r *run) step(ctx context.Context) (Token, error) {
	var tok Token
	err := r.w.Do(ctx, func(t *mlx.Thread) (err error) {
		if tok.ID, err = r.dec.next(t); err != nil {
			return err
		}
		r.stats.PeakMemory, err = t.PeakMemory()
		return err
	})
	if err != nil {
		return Token{}, fmt.Errorf("generate: token %d: %w", r.stats.GeneratedTokens+1, err)
	}
	r.count()
	stop := r.config.stops[tok.ID]
	switch {
	case stop:
		tok.Finish = Stop
	case r.stats.GeneratedTokens == r.config.maxTokens:
		tok.Finish = Length
	}
	if r.text != nil && !stop {
		tok.Text = r.text.Next(tok.ID)
	}
	if tok.Finish != "" {
		if r.text != nil {
			tok.Text += r.text.Flush()
		}
		tok.Stats = &r.stats
	}
	return tok, nil
}

// count keeps the clock: the first token ends the prompt's time.
func (r *run) count() {
	now := time.Now()
	if r.stats.GeneratedTokens++; r.stats.GeneratedTokens == 1 {
		r.stats.PromptTime, r.began = now.Sub(r.began), now
		return
	}
	r.stats.GenerateTime = now.Sub(r.began)
}
