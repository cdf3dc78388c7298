package generate

import (
	"errors"
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/cache"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// DefaultQuantizedKVStart is after how many tokens a cache is quantised that is to
// be, as in mlx-lm.
const DefaultQuantizedKVStart = 5000

// kvConfig is how the cache keeps keys and values.
type kvConfig struct {
	maxSize, bits, group, start int
	given                       *cache.Cache
}

// WithMaxKVSize bounds the tokens that the model remembers to n, its first few and
// the last ones: memory stays flat however long the text gets. 0, the default, is
// no bound.
func WithMaxKVSize(n int) Option { return func(c *config) { c.kv.maxSize = n } }

// WithKVBits quantises the keys and values that the model remembers to 2, 3, 4, 5,
// 6 or 8 bits; 0, the default, does not.
func WithKVBits(bits int) Option { return func(c *config) { c.kv.bits = bits } }

// WithKVGroupSize sets how many of the quantised numbers share a scale: 32, 64, the
// default, or 128.
func WithKVGroupSize(n int) Option { return func(c *config) { c.kv.group = n } }

// WithQuantizedKVStart quantises once n tokens were seen, prompt included; the
// default is DefaultQuantizedKVStart.
func WithQuantizedKVStart(n int) Option { return func(c *config) { c.kv.start = n } }

// WithCache goes on from a cache of the model's, on the same Worker: the prompt is
// what follows the tokens in it. The caller closes it after the generation, when it
// holds Offset tokens of prompt and answer: a step may have been on its way beyond
// the last token, and the last one may not have been fed.
func WithCache(kv *cache.Cache) Option { return func(c *config) { c.kv.given = kv } }

func (k kvConfig) check() error {
	if k.given != nil && k.maxSize != 0 {
		return errors.New("generate: a cache that is given has its maximum size")
	}
	if k.start < 0 {
		return fmt.Errorf("generate: quantisation is to start after %d tokens, want at least 0", k.start)
	}
	if err := cache.Check(append(k.options(), cache.WithBits(k.bits, k.group))...); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return nil
}

// cache is the one that was given, or a new one.
func (k kvConfig) cache(t *mlx.Thread, m Model) *cache.Cache {
	if k.given != nil {
		return k.given
	}
	return m.NewCache(t, k.options()...)
}

// options are those that a cache is made with.
func (k kvConfig) options() []cache.Option { return []cache.Option{cache.WithMaxSize(k.maxSize)} }

// quantize quantises the cache when enough was seen.
func (d *decoder) quantize(t *mlx.Thread) error {
	k := d.config.kv
	if k.bits == 0 || d.quantized || d.cache.Offset() < k.start {
		return nil
	}
	d.quantized = true
	return d.cache.Quantize(t, k.bits, k.group)
}
