package templates

import (
	"errors"
	"fmt"
	"strings"
)

// Chat is what a template renders.
type Chat struct {
	Messages []Message

	// Tools are the functions the model may call, each as a JSON schema:
	// json.RawMessage keeps the order of keys, which the prompt shows; a *Dict,
	// a struct or a map will do as well. nil means that there are none and an
	// empty slice that there is an empty list, which some templates tell apart.
	Tools []any
	// Documents are the texts of a retrieval-augmented prompt.
	Documents []any

	// AddGenerationPrompt ends the prompt with the opening of an assistant's
	// turn.
	AddGenerationPrompt bool
	// ContinueFinalMessage ends the prompt within the last message, for the
	// model to carry on. It excludes AddGenerationPrompt.
	ContinueFinalMessage bool
	// ContinueField is the field of the last message to continue; the default
	// is "content".
	ContinueField string

	// Variant is the template that a Set uses; the default is the set's choice.
	Variant string
	// Thinking asks models that can think before they answer to do so or not: it
	// sets the variables enable_thinking and thinking, one of which most templates
	// with such a switch read. nil leaves it to the template.
	Thinking *bool

	// BOSToken and EOSToken are the variables bos_token and eos_token, which
	// are undefined where empty.
	BOSToken, EOSToken string

	// Extra are further variables, such as enable_thinking; they override the
	// tokens. Values convert as ValueOf does.
	Extra map[string]any

	tokens map[string]string // of a Set
}

// Span is a range of bytes of a rendered chat.
type Span struct{ Start, End int }

// Render renders a chat. Errors of the template itself are *Error; ErrRaised
// marks those the template raised on purpose, such as for roles it refuses.
func (t *Template) Render(c Chat) (string, error) {
	text, _, err := t.render(c)
	return text, err
}

// RenderSpans renders a chat and also returns which parts of it an assistant
// wrote, as far as the template marks them with the generation tag: the mask
// for training on answers only.
func (t *Template) RenderSpans(c Chat) (string, []Span, error) {
	if c.ContinueFinalMessage {
		return "", nil, errors.New("templates: spans cannot be combined with ContinueFinalMessage")
	}
	return t.render(c)
}

// Execute renders the template with nothing but the given variables; nil is
// none.
func (t *Template) Execute(vars *Dict) (string, error) {
	if vars == nil {
		vars = NewDict()
	}
	globals := make(map[string]Value, vars.Len())
	for k, v := range vars.All() {
		name, ok := asText(k)
		if !ok {
			return "", fmt.Errorf("templates: variable names must be strings, not %s", k.typeName())
		}
		globals[name] = v
	}
	m := t.start(globals)
	defer t.finish(m)
	return m.run()
}

func (t *Template) render(c Chat) (string, []Span, error) {
	vars, err := c.variables()
	if err != nil {
		return "", nil, err
	}
	var final *continuation
	if c.ContinueFinalMessage {
		if final, err = newContinuation(t, &c, vars["messages"].(*list)); err != nil {
			return "", nil, err
		}
	}
	m := t.start(vars)
	defer t.finish(m)
	text, err := m.run()
	if err != nil {
		return "", nil, err
	}
	if final != nil {
		text, err = final.cut(text)
	}
	return text, m.spans, err
}

// variables returns what the template sees.
func (c *Chat) variables() (map[string]Value, error) {
	if len(c.Messages) == 0 {
		return nil, errors.New("templates: cannot render an empty conversation")
	}
	vars, err := c.extraVariables()
	if err != nil {
		return nil, err
	}
	msgs := &list{items: make([]Value, len(c.Messages))}
	for i := range c.Messages {
		d, err := c.Messages[i].value()
		if err != nil {
			return nil, fmt.Errorf("templates: message %d: %w", i, err)
		}
		msgs.items[i] = d
	}
	vars["messages"] = msgs
	vars["add_generation_prompt"] = boolVal(c.AddGenerationPrompt)
	for name, items := range map[string][]any{"tools": c.Tools, "documents": c.Documents} {
		v, err := listOf(items)
		if err != nil {
			return nil, fmt.Errorf("templates: %s: %w", name, err)
		}
		vars[name] = v
	}
	return vars, nil
}

// extraVariables are those besides the chat itself.
func (c *Chat) extraVariables() (map[string]Value, error) {
	vars := make(map[string]Value, 8+len(c.tokens)+len(c.Extra))
	token := func(name, text string) {
		if text != "" {
			vars[name] = str(strings.ToValidUTF8(text, "\uFFFD"))
		}
	}
	for name, text := range c.tokens {
		token(name, text)
	}
	token("bos_token", c.BOSToken)
	token("eos_token", c.EOSToken)
	if c.Thinking != nil {
		vars["enable_thinking"], vars["thinking"] = boolVal(*c.Thinking), boolVal(*c.Thinking)
	}
	for name, v := range c.Extra {
		val, err := ValueOf(v)
		if err != nil {
			return nil, fmt.Errorf("templates: variable %q: %w", name, err)
		}
		vars[name] = val
	}
	return vars, nil
}

func listOf(items []any) (Value, error) {
	if items == nil {
		return none, nil
	}
	l := &list{items: make([]Value, len(items))}
	for i, item := range items {
		v, err := ValueOf(item)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		if _, ok := v.(*Dict); !ok {
			return nil, fmt.Errorf("%d: must be an object, not %s", i, v.typeName())
		}
		l.items[i] = v
	}
	return l, nil
}
