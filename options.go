package mlx

import (
	"context"

	"forge.lthn.ai/core/go-mlx/generate"
)

// call is one Generate or Chat: its context and what package generate makes of
// its options.
type call struct {
	ctx      context.Context
	options  []generate.Option
	sampling generate.Sampling
}

// Option changes one generation.
type Option func(*call)

func newCall(opts []Option) *call {
	c := &call{ctx: context.Background()}
	for _, o := range opts {
		o(c)
	}
	c.options = append(c.options, generate.WithSampling(c.sampling))
	return c
}

// WithContext lets ctx end the generation between two tokens.
func WithContext(ctx context.Context) Option { return func(c *call) { c.ctx = ctx } }

// WithMaxTokens bounds the number of tokens; the default is 256, a negative
// bound is none.
func WithMaxTokens(n int) Option { return with(generate.WithMaxTokens(n)) }

// WithTemperature sets the temperature of sampling; 0, the default, is greedy.
func WithTemperature(t float64) Option { return func(c *call) { c.sampling.Temperature = t } }

// WithTopP samples from the likeliest tokens that together have probability p.
func WithTopP(p float64) Option { return func(c *call) { c.sampling.TopP = p } }

// WithTopK samples from the k likeliest tokens.
func WithTopK(k int) Option { return func(c *call) { c.sampling.TopK = k } }

// WithMinP samples from tokens at least p times as likely as the likeliest.
func WithMinP(p float64) Option { return func(c *call) { c.sampling.MinP = p } }

// WithSeed seeds sampling: equal seeds give equal texts.
func WithSeed(seed uint64) Option { return with(generate.WithSeed(seed)) }

// WithMaxKVSize bounds the tokens that the model remembers to n, its first few and
// the last ones: memory stays flat however long the text gets.
func WithMaxKVSize(n int) Option { return with(generate.WithMaxKVSize(n)) }

// WithKVBits quantises what the model remembers to that many bits a number, 8 or 4
// as a rule, once it is long; package generate has options to say when.
func WithKVBits(bits int) Option { return with(generate.WithKVBits(bits)) }

// WithoutStops generates on past the model's end-of-text tokens.
func WithoutStops() Option { return with(generate.WithoutStops()) }

func with(o generate.Option) Option {
	return func(c *call) { c.options = append(c.options, o) }
}
