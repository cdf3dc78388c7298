package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// continueTag marks where the final message ends; what follows it is cut off.
const continueTag = "CONTINUE_FINAL_MESSAGE_TAG "

// continuation is a final message to be continued.
type continuation struct{ final string }

// newContinuation appends the tag to the final message, in place.
func newContinuation(t *Template, c *Chat, msgs *list) (*continuation, error) {
	if c.AddGenerationPrompt {
		return nil, errors.New("templates: ContinueFinalMessage and AddGenerationPrompt exclude each other")
	}
	field := c.ContinueField
	if field == "" {
		field = "content"
	}
	last := len(msgs.items) - 1
	msg := msgs.items[last].(*Dict).clone()
	msgs.items[last] = msg
	final := msg.getStr(field)
	if final == nil {
		return nil, fmt.Errorf("templates: the final message has no %q to continue", field)
	}
	fields := []string{field}
	if slices.Contains(reasoningNames[:], field) {
		fields = nil
		for _, name := range reasoningNames {
			if v := msg.getStr(name); v != nil && same(v, final) {
				fields = append(fields, name)
			}
		}
	}
	if !slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(t.source, f) }) {
		return nil, fmt.Errorf("templates: the template does not use the field %q to continue", field)
	}
	if parts, ok := final.(*list); ok {
		return continueParts(msg, field, parts)
	}
	text, ok := asText(final)
	if !ok {
		return nil, fmt.Errorf("templates: %q of the final message is no text to continue", field)
	}
	for _, f := range fields {
		msg.setStr(f, str(text+continueTag))
	}
	return &continuation{text}, nil
}

// continueParts appends the tag to the last text part.
func continueParts(msg *Dict, field string, parts *list) (*continuation, error) {
	items := slices.Clone(parts.items)
	for i := len(items) - 1; i >= 0; i-- {
		part, ok := items[i].(*Dict)
		if !ok {
			continue
		}
		text, ok := asText(orNone(part.getStr("text")))
		if !ok {
			continue
		}
		part = part.clone()
		part.setStr("text", str(text+continueTag))
		items[i] = part
		msg.setStr(field, &list{items})
		return &continuation{text}, nil
	}
	return nil, errors.New("templates: the final message has no text part to continue")
}

// cut removes the tag and everything after it.
func (c *continuation) cut(text string) (string, error) {
	bare := strings.TrimSpace(continueTag)
	loc := strings.LastIndex(text, bare)
	if loc < 0 || !strings.Contains(text, strings.TrimFunc(c.final, isSpace)) {
		return "", errors.New("templates: the final message to continue does not appear in the rendered chat")
	}
	if strings.HasPrefix(text[loc:], continueTag) {
		return text[:loc], nil
	}
	return trimRightSpace(text[:loc]), nil // the template trimmed the message
}
