package templates

import "time"

// Limits bound what one template may cost. A zero field takes its default.
type Limits struct {
	// Source is the largest template in bytes that Compile accepts (default 4 MiB).
	Source int
	// Steps is the number of evaluation steps of one rendering; building a
	// string or list costs steps in proportion to its size (default 20 million,
	// which ends a runaway template within a few seconds).
	Steps int
	// Output is the largest size in bytes of the result and of any string that
	// the template builds on the way (default 64 MiB).
	Output int
	// Time bounds one rendering by the clock, for what steps count too low (default
	// 10 seconds). It is looked at between operations, of which none takes long.
	Time time.Duration
	// Depth bounds nested expressions, macro calls and recursive loops together
	// (default 4000).
	Depth int
}

func (l Limits) withDefaults() Limits {
	if l.Source <= 0 {
		l.Source = 4 << 20
	}
	if l.Steps <= 0 {
		l.Steps = 20_000_000
	}
	if l.Output <= 0 {
		l.Output = 64 << 20
	}
	if l.Time <= 0 {
		l.Time = 10 * time.Second
	}
	if l.Depth <= 0 || l.Depth > 20_000 {
		l.Depth = 4000
	}
	return l
}

// Option adjusts how Compile treats a template.
type Option func(*config)

type config struct {
	limits Limits
	now    func() time.Time
}

// WithClock sets the clock behind strftime_now. The default is time.Now; a
// fixed clock makes prompts that carry the date reproducible.
func WithClock(now func() time.Time) Option {
	return func(c *config) { c.now = now }
}

// WithLimits replaces the default limits.
func WithLimits(l Limits) Option {
	return func(c *config) { c.limits = l }
}
