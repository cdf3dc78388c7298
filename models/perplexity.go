package models

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Perplexity is how well a model foretells a text: the exponential of the mean
// loss of a token, the number of tokens among which it is as undecided as if all
// were equally likely.
type Perplexity struct {
	Value         float64
	StandardError float64 // of Value; NaN for a single prediction
	Sequences     int
	Tokens        int // that were predicted: all but the first of each sequence
	Time          time.Duration
	PeakMemory    uint64 // bytes that MLX held at most
}

// TPS is the predicted tokens per second.
func (p *Perplexity) TPS() float64 {
	if p.Time <= 0 {
		return 0
	}
	return float64(p.Tokens) / p.Time.Seconds()
}

// PerplexityOption changes how a perplexity is computed.
type PerplexityOption func(*perplexityConfig)

type perplexityConfig struct {
	length, batch int
	progress      func(done, total int)
}

// WithSequenceLength cuts the tokens into sequences of n, at least 2; the default
// is 512. What is left at the end is not looked at.
func WithSequenceLength(n int) PerplexityOption { return func(c *perplexityConfig) { c.length = n } }

// WithBatchSize runs n sequences at a time; the default is 8. The logits of one take
// 4 bytes for each of its tokens and each of the vocabulary.
func WithBatchSize(n int) PerplexityOption { return func(c *perplexityConfig) { c.batch = n } }

// WithBatchProgress calls f after each batch with how many of the sequences are done.
func WithBatchProgress(f func(done, total int)) PerplexityOption {
	return func(c *perplexityConfig) { c.progress = f }
}

// Perplexity computes the perplexity of tokens, which are cut into sequences
// that begin anew, as mlx_lm.perplexity does. The context ends it between batches.
func (m *Model) Perplexity(ctx context.Context, tokens []int32, opts ...PerplexityOption) (*Perplexity, error) {
	c := &perplexityConfig{length: 512, batch: 8, progress: func(int, int) {}}
	for _, o := range opts {
		o(c)
	}
	p, err := m.perplexity(ctx, tokens, c)
	if err != nil {
		return nil, fmt.Errorf("models: perplexity: %w", err)
	}
	return p, nil
}

func (m *Model) perplexity(ctx context.Context, tokens []int32, c *perplexityConfig) (*Perplexity, error) {
	switch {
	case c.length < 2:
		return nil, fmt.Errorf("a sequence of %d tokens has none to predict", c.length)
	case c.batch < 1:
		return nil, fmt.Errorf("batches of %d sequences", c.batch)
	case len(tokens) < c.length:
		return nil, fmt.Errorf("%d tokens are no sequence of %d", len(tokens), c.length)
	}
	sequences := slices.Collect(slices.Chunk(tokens[:len(tokens)/c.length*c.length], c.length))
	for _, s := range sequences {
		if err := m.checkTokens(s); err != nil {
			return nil, err
		}
	}
	p := &Perplexity{Sequences: len(sequences), Tokens: len(sequences) * (c.length - 1)}
	if err := m.worker.Do(ctx, (*mlx.Thread).ResetPeakMemory); err != nil {
		return nil, err
	}
	began, sums := time.Now(), spread{}
	for lo := 0; lo < len(sequences); lo += c.batch {
		hi := min(lo+c.batch, len(sequences))
		if err := m.addLosses(ctx, sequences[lo:hi], &sums); err != nil {
			return nil, err
		}
		c.progress(hi, len(sequences))
	}
	p.Time = time.Since(began)
	p.Value = math.Exp(sums.mean)
	p.StandardError = p.Value * math.Sqrt(sums.variance()/float64(sums.n))
	return p, m.worker.Do(ctx, func(t *mlx.Thread) (err error) {
		p.PeakMemory, err = t.PeakMemory()
		return err
	})
}

// addLosses runs a batch of sequences of equal length.
func (m *Model) addLosses(ctx context.Context, batch [][]int32, sums *spread) error {
	return m.worker.Do(ctx, func(t *mlx.Thread) (err error) {
		length := len(batch[0])
		tokens, err := mlx.FromSlice(t, slices.Concat(batch...), len(batch), length)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tokens.Close()) }()
		loss, err := evaluated(t, func(s *mlx.Scope) mlx.Array { return m.tokenLosses(s, tokens) })
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, loss.Close(), t.ClearCache()) }()
		values, err := mlx.Values[float32](t, loss)
		for _, v := range values {
			sums.add(float64(v))
		}
		return err
	})
}

// tokenLosses maps sequences [B, L] to the cross entropies [B, L-1] of all tokens
// but the first, in float32.
func (m *Model) tokenLosses(s *mlx.Scope, tokens mlx.Array) mlx.Array {
	shape := s.Shape(tokens)
	if s.Err() != nil {
		return mlx.Array{}
	}
	rows, length := shape[0], shape[1]
	ones := []int{1, 1}
	inputs := s.Slice(tokens, []int{0, 0}, []int{rows, length - 1}, ones)
	targets := s.Slice(tokens, []int{0, 1}, []int{rows, length}, ones)
	return losses.CrossEntropy(s, s.AsType(m.Logits(s, inputs), mlx.Float32), targets)
}

// spread is the mean and the variance of numbers, taken up one by one: Welford,
// 1962, https://doi.org/10.1080/00401706.1962.10490022.
type spread struct {
	n       int
	mean, m float64
}

func (s *spread) add(v float64) {
	s.n++
	delta := v - s.mean
	s.mean += delta / float64(s.n)
	s.m += delta * (v - s.mean)
}

// variance is that of the numbers as a sample, NaN for one alone.
func (s *spread) variance() float64 { return s.m / float64(s.n-1) }
