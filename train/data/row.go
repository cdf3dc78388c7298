package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"forge.lthn.ai/core/go-mlx/templates"
)

// Format is what the rows of a file are.
type Format string

// The formats that mlx-lm reads. Chats and completions may come with "tools".
const (
	Completions Format = "completions" // {"prompt": "…", "completion": "…"}
	Chat        Format = "chat"        // {"messages": [{"role": "user", "content": "…"}, …]}
	Text        Format = "text"        // {"text": "…"}
)

// Keys are the names of a row's members; "" is the usual one.
type Keys struct {
	Prompt, Completion string // "prompt", "completion"
	Messages           string // "messages"
	Text               string // "text"
}

func (k Keys) withDefaults() Keys {
	for _, key := range []struct {
		name *string
		or   string
	}{{&k.Prompt, "prompt"}, {&k.Completion, "completion"}, {&k.Messages, "messages"}, {&k.Text, "text"}} {
		if *key.name == "" {
			*key.name = key.or
		}
	}
	return k
}

// row is a line's members.
type row map[string]json.RawMessage

// parseRow reads a line. What JSON in Go would mend in silence is an error: it
// would be other text than was written.
func parseRow(line []byte) (row, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("not UTF-8")
	}
	if loneSurrogate(line) {
		return nil, errors.New(`half of a surrogate pair (\ud800 to \udfff)`)
	}
	var r row
	if err := json.Unmarshal(line, &r); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return nil, fmt.Errorf("not an object but %s", kind.Value)
		}
		return nil, err
	}
	if r == nil {
		return nil, errors.New("not an object but null")
	}
	return r, nil
}

// loneSurrogate looks for an escape of half a character.
func loneSurrogate(line []byte) bool {
	for {
		i := bytes.IndexByte(line, '\\')
		if i < 0 || i+1 == len(line) {
			return false
		}
		line = line[i:]
		first := escaped(line)
		switch {
		case !utf16.IsSurrogate(first):
			line = line[2:]
		case utf16.DecodeRune(first, escaped(line[6:])) == utf8.RuneError:
			return true
		default:
			line = line[12:]
		}
	}
}

// escaped is the code of the \uXXXX that text begins with, 0 where it does not.
func escaped(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n)
}

// format is what mlx-lm takes a file with this first row for.
func (k Keys) format(r row) (Format, error) {
	has := func(key string) bool { _, ok := r[key]; return ok }
	switch {
	case has(k.Prompt) && has(k.Completion):
		return Completions, nil
	case has(k.Messages):
		return Chat, nil
	case has(k.Text):
		return Text, nil
	}
	return "", fmt.Errorf("neither %q with %q, nor %q, nor %q: the row has %s", k.Prompt, k.Completion, k.Messages, k.Text,
		list(slices.Sorted(maps.Keys(r))))
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// text is a member that must be a string.
func (r row) text(key string) (string, error) {
	raw, ok := r[key]
	if !ok {
		return "", fmt.Errorf("%s: missing", key)
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", fmt.Errorf("%s: must be a string, not %s", key, kindOf(raw))
	}
	return *s, nil
}

// kindOf names what a JSON value is.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	}
	return string(raw)
}

// conversation is the row's chat, or its completion as one.
func (r row) conversation(f Format, k Keys) (c *conversation, err error) {
	c = &conversation{}
	if c.messages, err = r.messages(f, k); err != nil {
		return nil, err
	}
	raw, ok := r["tools"]
	if !ok || string(raw) == "null" {
		return c, nil
	}
	var tools []json.RawMessage
	if err := json.Unmarshal(raw, &tools); err != nil {
		return nil, fmt.Errorf("tools: must be an array, not %s", kindOf(raw))
	}
	c.tools = make([]any, len(tools))
	for i, tool := range tools {
		c.tools[i] = tool
	}
	return c, nil
}

func (r row) messages(f Format, k Keys) ([]templates.Message, error) {
	if f == Completions {
		prompt, err := r.text(k.Prompt)
		if err != nil {
			return nil, err
		}
		completion, err := r.text(k.Completion)
		return []templates.Message{{Role: "user", Content: prompt}, {Role: "assistant", Content: completion}}, err
	}
	raw, ok := r[k.Messages]
	if !ok {
		return nil, fmt.Errorf("%s: missing", k.Messages)
	}
	if raw[0] != '[' {
		return nil, fmt.Errorf("%s: must be an array, not %s", k.Messages, kindOf(raw))
	}
	var items []json.RawMessage
	err := json.Unmarshal(raw, &items)
	if err == nil && len(items) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Messages, err)
	}
	messages := make([]templates.Message, len(items))
	for i, item := range items {
		if err := messages[i].UnmarshalJSON(item); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", k.Messages, i, err)
		}
	}
	return messages, nil
}
