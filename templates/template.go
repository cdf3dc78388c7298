package templates

import (
	"strings"
	"sync"
	"time"
)

// Template is a compiled chat template. It is immutable and safe for
// concurrent use.
type Template struct {
	source string
	body   []stmt
	fn     *function
	frame  frameInfo
	self   int
	blocks map[string]*blockDef
	cfg    config
	pool   sync.Pool // of *machine
}

// Compile parses a chat template. An empty source is ErrNoTemplate; an error
// in the text wraps ErrSyntax and tells its line and column.
func Compile(src string, opts ...Option) (*Template, error) {
	cfg := config{now: time.Now}
	for _, o := range opts {
		o(&cfg)
	}
	cfg.limits = cfg.limits.withDefaults()
	if src == "" {
		return nil, wrapError(ErrNoTemplate)
	}
	if len(src) > cfg.limits.Source {
		return nil, at(limitf("template of %d bytes, at most %d are allowed", len(src), cfg.limits.Source), pos{1, 1})
	}
	src = strings.ToValidUTF8(src, "\uFFFD")
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	body, err := (&parser{toks: toks}).parseTemplate()
	if err != nil {
		return nil, err
	}
	c := &resolver{blocks: map[string]*blockDef{}}
	t := &Template{source: src, body: body, blocks: c.blocks, cfg: cfg}
	t.fn, t.frame, t.self = c.program(body)
	if c.err != nil {
		return nil, c.err
	}
	t.pool.New = func() any { return new(machine) }
	return t, nil
}

// Source returns the text the template was compiled from.
func (t *Template) Source() string { return t.source }
