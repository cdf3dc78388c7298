package data

// Option changes how Open reads a file.
type Option func(*config)

type config struct {
	keys     Keys
	mask     mask
	skip     bool
	progress func(done, total int64)
}

// WithKeys names the members of the rows.
func WithKeys(k Keys) Option { return func(c *config) { c.keys = k } }

// WithMaskPrompt trains on the last message, or the completion, alone: mlx-lm's
// mask_prompt.
func WithMaskPrompt() Option { return func(c *config) { c.mask = maskPrompt } }

// WithAssistantOnly trains on all that an assistant wrote: every answer of a
// conversation with the token that ends it, as far as the template's
// {% generation %} goes, where it has one.
func WithAssistantOnly() Option { return func(c *config) { c.mask = maskOthers } }

// WithSkipBad leaves malformed lines out and counts them, instead of failing on the
// first: see [File.Skipped].
func WithSkipBad() Option { return func(c *config) { c.skip = true } }

// WithProgress calls f as the file is read for the first time, with bytes.
func WithProgress(f func(done, total int64)) Option { return func(c *config) { c.progress = f } }
