package generate

import "fmt"

// DefaultMaxTokens bounds a generation that names no bound, as mlx-lm does.
const DefaultMaxTokens = 256

// config is what options set.
type config struct {
	maxTokens   int
	sampling    Sampling
	seed        uint64
	stops       map[int32]bool
	prefillStep int
	progress    func(done, total int)
	kv          kvConfig
}

// Option changes one generation.
type Option func(*config)

// WithMaxTokens bounds the number of generated tokens; the default is
// DefaultMaxTokens. A negative bound is none.
func WithMaxTokens(n int) Option { return func(c *config) { c.maxTokens = n } }

// WithSampling chooses how tokens are drawn; the default is greedy.
func WithSampling(s Sampling) Option { return func(c *config) { c.sampling = s } }

// WithSeed seeds the drawing of tokens: equal seeds give equal texts. The
// default seed is 0.
func WithSeed(seed uint64) Option { return func(c *config) { c.seed = seed } }

// WithStopTokens ends the generation at any of the ids, beside the model's own.
func WithStopTokens(ids ...int32) Option {
	return func(c *config) {
		for _, id := range ids {
			c.stops[id] = true
		}
	}
}

// WithoutStops lets the generation run on past every stop token, those given
// before it included.
func WithoutStops() Option { return func(c *config) { clear(c.stops) } }

// WithPrefillStep sets how many tokens of the prompt run at once; the default
// is 2048.
func WithPrefillStep(n int) Option { return func(c *config) { c.prefillStep = n } }

// WithProgress calls f as the prompt is processed, with tokens done and in
// total.
func WithProgress(f func(done, total int)) Option { return func(c *config) { c.progress = f } }

func newConfig(opts []Option) (*config, error) {
	c := &config{maxTokens: DefaultMaxTokens, stops: map[int32]bool{}, prefillStep: 2048, progress: func(int, int) {}, kv: kvConfig{start: DefaultQuantizedKVStart}}
	for _, o := range opts {
		o(c)
	}
	if c.prefillStep < 1 {
		return nil, fmt.Errorf("generate: the prefill step is %d, want at least 1", c.prefillStep)
	}
	if err := c.kv.check(); err != nil {
		return nil, err
	}
	return c, c.sampling.validate()
}
