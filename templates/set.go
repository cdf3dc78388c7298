package templates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Names of templates that Choose looks for.
const (
	// DefaultName is the template for everything that no other is for.
	DefaultName = "default"
	// ToolUseName is the template for chats with tools.
	ToolUseName = "tool_use"
)

// Set is the chat templates that come with one model, by name, and the special
// tokens that they write. Most models have one, "default"; some have others for
// tools or for documents. A Set is immutable and safe for concurrent use.
type Set struct {
	byName map[string]*Template
	tokens map[string]string // bos_token and the like, by the name of the variable
}

// source is the text of a template and where it was found, for errors.
type source struct{ text, from string }

// NewSet compiles templates by name. Empty sources are left out.
func NewSet(sources map[string]string, opts ...Option) (*Set, error) {
	all := map[string]source{}
	for name, text := range sources {
		all[name] = source{text, fmt.Sprintf("chat template %q", name)}
	}
	return compileSet(all, opts)
}

func compileSet(sources map[string]source, opts []Option) (*Set, error) {
	s := &Set{byName: map[string]*Template{}, tokens: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if sources[name].text == "" {
			continue
		}
		t, err := Compile(sources[name].text, opts...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sources[name].from, err)
		}
		s.byName[name] = t
	}
	return s, nil
}

// Names lists the templates, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Token returns a special token by the name of its variable, such as
// "bos_token"; "" is none.
func (s *Set) Token(variable string) string { return s.tokens[variable] }

// Template returns the template called name; ErrNoTemplate is wrapped where
// there is none.
func (s *Set) Template(name string) (*Template, error) {
	if t, ok := s.byName[name]; ok {
		return t, nil
	}
	if len(s.byName) == 0 {
		return nil, wrapError(ErrNoTemplate)
	}
	return nil, fmt.Errorf("templates: %w called %q: the model has %s", ErrNoTemplate, name, strings.Join(s.Names(), ", "))
}

// With returns a set that has t under name too, in place of what was there, and
// the same special tokens.
func (s *Set) With(name string, t *Template) *Set {
	all := maps.Clone(s.byName)
	all[name] = t
	return &Set{byName: all, tokens: s.tokens}
}

// Choose returns the template for a chat: the one that its Variant names, else
// "tool_use" where it has tools and the set has it, else "default".
func (s *Set) Choose(c Chat) (*Template, error) {
	if c.Variant != "" {
		return s.Template(c.Variant)
	}
	if t, ok := s.byName[ToolUseName]; ok && c.Tools != nil {
		return t, nil
	}
	return s.Template(DefaultName)
}

// Render renders a chat with the template that Choose returns and the set's
// special tokens, unless the chat has its own.
func (s *Set) Render(c Chat) (string, error) {
	t, err := s.Choose(c)
	if err != nil {
		return "", err
	}
	c.tokens = s.tokens
	return t.Render(c)
}

// RenderSpans is Render that also returns what an assistant wrote, as
// Template.RenderSpans does.
func (s *Set) RenderSpans(c Chat) (string, []Span, error) {
	t, err := s.Choose(c)
	if err != nil {
		return "", nil, err
	}
	c.tokens = s.tokens
	return t.RenderSpans(c)
}
