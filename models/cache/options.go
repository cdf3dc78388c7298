package cache

import "fmt"

// config is what options set.
type config struct {
	maxSize int // 0 for no bound
}

// Option changes how a cache keeps what its layers have to remember.
type Option func(*config)

// WithMaxSize bounds what every layer keeps and attends to, to n tokens: of a full
// layer its first few and the last ones. Positions go on growing. 0 is no bound.
func WithMaxSize(n int) Option { return func(c *config) { c.maxSize = n } }

// newConfig applies the options and says which of them no cache can obey.
func newConfig(opts []Option) (*config, error) {
	c := new(config)
	for _, o := range opts {
		o(c)
	}
	if c.maxSize < 0 {
		return c, fmt.Errorf("cache: the maximum size is %d tokens, want at least 1", c.maxSize)
	}
	return c, nil
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
