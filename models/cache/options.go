package cache

import "fmt"

// DefaultGroup is how many numbers share a scale where nothing else is asked for,
// as in mlx-lm.
const DefaultGroup = 64

// config is what options set.
type config struct {
	maxSize int // 0 for no bound
	left    []int
	form    form
}

// Option changes how a cache keeps what its layers have to remember.
type Option func(*config)

// WithMaxSize bounds what every layer keeps and attends to, to n tokens: of a full
// layer its first few and the last ones. Positions go on growing. 0 is no bound.
func WithMaxSize(n int) Option { return func(c *config) { c.maxSize = n } }

// WithBits keeps keys and values quantised, from the first token on: in numbers
// of that many bits, of which groups of that many share a scale and a bias (0 is
// DefaultGroup). 0 bits keep them as they are. See [Cache.Quantize].
func WithBits(bits, group int) Option {
	return func(c *config) { c.form = form{bits, group} }
}

// WithLeftPadding makes the cache of a batch of sequences that are padded on the
// left to one length, by that many tokens each: nothing attends to those, and the
// positions of each row begin after them. Layers of bounded size then keep the
// last tokens only.
func WithLeftPadding(left ...int) Option {
	return func(c *config) { c.left = left }
}

// newConfig applies the options and says which of them no cache can obey.
func newConfig(opts []Option) (*config, error) {
	c := new(config)
	for _, o := range opts {
		o(c)
	}
	if c.form.group == 0 {
		c.form.group = DefaultGroup
	}
	if c.maxSize < 0 {
		return c, fmt.Errorf("cache: the maximum size is %d tokens, want at least 1", c.maxSize)
	}
	for row, left := range c.left {
		if left < 0 {
			return c, fmt.Errorf("cache: the padding of row %d is %d tokens, want at least 0", row, left)
		}
	}
	return c, c.form.check()
}

// Check says which of the options no cache can obey. A cache that was made with
// them fails whoever attends with it.
func Check(opts ...Option) error {
	_, err := newConfig(opts)
	return err
}

// narrow is the smaller of two numbers of tokens, of which 0 is no bound.
func narrow(a, b int) int {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}
