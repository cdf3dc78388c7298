package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/templates"
)

// prompt is a rendered chat, cut into parts.
type prompt struct {
	Prompt string `json:"prompt"`
	// Masked tells whether the template marks what the assistant wrote.
	Masked bool   `json:"masked"`
	Parts  []part `json:"spans"`
}

// part is a span of the prompt, in bytes.
type part struct {
	Start     int    `json:"start"`
	End       int    `json:"end"`
	Kind      string `json:"kind"` // special, role or text
	Assistant bool   `json:"assistant"`
	Text      string `json:"text"`
}

// render renders a chat and cuts it.
func render(set *templates.Set, chat templates.Chat, special []string) (*prompt, error) {
	t, err := set.Choose(chat)
	if err != nil {
		return nil, err
	}
	var text string
	var spans []templates.Span
	if chat.ContinueFinalMessage {
		text, err = set.Render(chat) // which has no spans
	} else {
		text, spans, err = set.RenderSpans(chat)
	}
	if err != nil {
		return nil, err
	}
	p := &prompt{Prompt: text, Masked: strings.Contains(t.Source(), "endgeneration"), Parts: []part{}}
	p.cut(spans, marker(special), roles(chat.Messages))
	return p, nil
}

// looksSpecial matches what special tokens look like, where no vocabulary tells.
var looksSpecial = regexp.MustCompile(`<[|｜][^<>\s]*[|｜]>|</?s>|<[be]os>|<(?:start|end)_of_turn>|\[/?[A-Z]+(?:_[A-Z]+)*\]`)

// marker matches special tokens, the longest first.
func marker(special []string) *regexp.Regexp {
	if len(special) == 0 {
		return looksSpecial
	}
	texts := slices.SortedFunc(slices.Values(special), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for i, s := range texts {
		texts[i] = regexp.QuoteMeta(s)
	}
	return regexp.MustCompile(strings.Join(texts, "|"))
}

// roles are the names that may open a turn.
func roles(messages []templates.Message) []string {
	names := []string{"system", "user", "assistant", "model"}
	for _, m := range messages {
		if m.Role != "" && !slices.Contains(names, m.Role) {
			names = append(names, m.Role)
		}
	}
	return names
}

// cut fills in the parts.
func (p *prompt) cut(spans []templates.Span, special *regexp.Regexp, roles []string) {
	at := 0
	for _, m := range special.FindAllStringIndex(p.Prompt, -1) {
		p.cutText(at, m[0], spans, roles)
		p.add("special", m[0], m[1], spans)
		at = m[1]
	}
	p.cutText(at, len(p.Prompt), spans, roles)
}

// cutText adds text between special tokens; after one it may begin with a role.
func (p *prompt) cutText(start, end int, spans []templates.Span, roles []string) {
	if start > 0 {
		line, _, _ := strings.Cut(p.Prompt[start:end], "\n")
		if name := strings.TrimSpace(line); slices.Contains(roles, name) {
			role := start + strings.Index(line, name)
			p.add("text", start, role, spans)
			start = role + len(name)
			p.add("role", role, start, spans)
		}
	}
	p.add("text", start, end, spans)
}

// add adds a part, cut where the assistant's words begin and end.
func (p *prompt) add(kind string, start, end int, spans []templates.Span) {
	for start < end {
		stop, assistant := end, false
		for _, s := range spans {
			if start < s.Start {
				stop = min(stop, s.Start)
			} else if start < s.End {
				stop, assistant = min(stop, s.End), true
			}
		}
		p.Parts = append(p.Parts, part{start, stop, kind, assistant, p.Prompt[start:stop]})
		start = stop
	}
}
