package templates

import (
	"encoding/json"
	"fmt"
)

// Message is one turn of a chat. Content is plain text; Parts, where set, take
// its place as a list of typed parts, such as text and images. Messages decode
// from JSON with every key kept in order, known to the struct or not, and are
// then rendered as they came; changing a field afterwards has no effect on
// them, so decode or fill in, not both.
type Message struct {
	Role       string     // "system", "user", "assistant", "tool", …
	Content    string     // text; ignored where Parts is set
	Parts      []Part     // content in parts
	Name       string     // of a tool or speaker; omitted where empty
	ToolCalls  []ToolCall // calls that an assistant made
	ToolCallID string     // the call that a tool message answers
	Reasoning  string     // what an assistant thought before it answered
	Extra      *Dict      // further keys, in order, after the others

	raw *Dict // as decoded
}

// Part is one part of a message's content.
type Part struct {
	Type  string // "text", "image", "audio", …
	Text  string // of a text part
	Extra *Dict  // further keys, such as a URL
}

// ToolCall is a call of a function by an assistant.
type ToolCall struct {
	ID   string
	Name string
	// Arguments are the arguments by name. Templates expect a mapping: pass
	// json.RawMessage to have it decoded in order, a *Dict, a map or a struct.
	Arguments any
}

// UnmarshalJSON decodes a message with all its keys in order. Role and Content
// (where it is a string) are filled in for the caller to read.
func (m *Message) UnmarshalJSON(data []byte) error {
	v, err := ParseJSON(data)
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return fmt.Errorf("templates: a message must be an object, not %s", v.typeName())
	}
	*m = Message{raw: d}
	m.Role, _ = asText(d.getStr("role"))
	m.Content, _ = asText(d.getStr("content"))
	return nil
}

// ParseMessages decodes a JSON array of messages.
func ParseMessages(data []byte) ([]Message, error) {
	var list []Message
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("templates: messages: %w", err)
	}
	return list, nil
}

// value returns the message as templates see it, without what is None, and
// with reasoning under all the names that templates look for.
func (m *Message) value() (*Dict, error) {
	d := m.raw
	if d == nil {
		var err error
		if d, err = m.build(); err != nil {
			return nil, err
		}
	}
	return withReasoning(withoutNone(d)), nil
}

func withoutNone(d *Dict) *Dict {
	for _, v := range d.vals {
		if v != none {
			continue
		}
		kept := NewDict()
		for i, v := range d.vals {
			if s, ok := asText(d.keys[i]); ok && v != none {
				kept.setStr(s, v)
			}
		}
		return kept
	}
	return d
}

// reasoningNames are the keys a message's reasoning may come under, the
// preferred one first.
var reasoningNames = [...]string{"reasoning_content", "thinking", "reasoning"}

// withReasoning copies reasoning to reasoning_content, which most templates
// read, and to thinking, which those of gpt-oss read.
func withReasoning(d *Dict) *Dict {
	var text Value
	for _, name := range reasoningNames {
		if text = d.getStr(name); text != nil {
			break
		}
	}
	if text == nil {
		return d
	}
	out := NewDict()
	out.setStr("thinking", text)
	for k, v := range d.All() {
		s, _ := asText(k)
		out.setStr(s, v)
	}
	out.setStr("reasoning_content", text)
	return out
}

// build makes a mapping of the typed fields.
func (m *Message) build() (*Dict, error) {
	d := NewDict()
	if err := d.Set("role", m.Role); err != nil {
		return nil, err
	}
	if m.Parts == nil {
		if err := d.Set("content", m.Content); err != nil {
			return nil, err
		}
	} else {
		parts := &list{}
		for _, p := range m.Parts {
			part, err := p.value()
			if err != nil {
				return nil, err
			}
			parts.items = append(parts.items, part)
		}
		d.setStr("content", parts)
	}
	for _, f := range [...]struct{ key, text string }{
		{"name", m.Name}, {"reasoning_content", m.Reasoning}, {"tool_call_id", m.ToolCallID}} {
		if f.text != "" {
			if err := d.Set(f.key, f.text); err != nil {
				return nil, err
			}
		}
	}
	if len(m.ToolCalls) > 0 {
		calls := &list{}
		for i, c := range m.ToolCalls {
			call, err := c.value()
			if err != nil {
				return nil, fmt.Errorf("templates: arguments of tool call %d (%s): %w", i, c.Name, err)
			}
			calls.items = append(calls.items, call)
		}
		d.setStr("tool_calls", calls)
	}
	addAll(d, m.Extra)
	return d, nil
}

func addAll(d, extra *Dict) {
	if extra != nil {
		for k, v := range extra.All() {
			s, _ := asText(k)
			d.setStr(s, v)
		}
	}
}

func (p *Part) value() (*Dict, error) {
	d := NewDict()
	err := d.Set("type", p.Type)
	if err == nil && (p.Type == "text" || p.Text != "") {
		err = d.Set("text", p.Text)
	}
	addAll(d, p.Extra)
	return d, err
}

func (c *ToolCall) value() (*Dict, error) {
	fn := NewDict()
	if err := fn.Set("name", c.Name); err != nil {
		return nil, err
	}
	arguments := c.Arguments
	if arguments == nil {
		arguments = NewDict()
	}
	if err := fn.Set("arguments", arguments); err != nil {
		return nil, err
	}
	d := NewDict()
	if c.ID != "" {
		if err := d.Set("id", c.ID); err != nil {
			return nil, err
		}
	}
	d.setStr("type", str("function"))
	d.setStr("function", fn)
	return d, nil
}
