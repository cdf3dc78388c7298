package data

import (
	"errors"
	"fmt"
	"strings"

	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// mask tells which tokens of a conversation count in the loss.
type mask int

const (
	maskNothing mask = iota
	maskPrompt       // all but the last message
	maskOthers       // all that no assistant wrote
)

// lastTurn trains on what follows the tokens of all messages but the last, as
// mlx-lm's mask_prompt does.
func (e *Encoder) lastTurn(c *conversation) (*Example, error) {
	n := len(c.messages)
	text, err := e.render(c, n, false)
	if err != nil {
		return nil, err
	}
	before, err := e.render(c, n-1, c.messages[n-1].Role == "assistant")
	if err != nil {
		return nil, fmt.Errorf("the prompt: %w", err)
	}
	ids, err := e.encode(text)
	if err != nil {
		return nil, err
	}
	prompt, err := e.encode(before)
	if err != nil {
		return nil, err
	}
	ex := &Example{Tokens: ids, Trained: make([]bool, len(ids))}
	for i := len(prompt); i < len(ids); i++ {
		ex.Trained[i] = true
	}
	return ex, nil
}

// answers trains on all that an assistant wrote: what the template marks with
// {% generation %}, or else what it adds when an answer follows. A token counts
// that a part of an answer is in, as transformers' return_assistant_tokens_mask
// has it.
func (e *Encoder) answers(c *conversation) (*Example, error) {
	text, spans, err := e.Templates.RenderSpans(e.chat(c, len(c.messages), false))
	if err != nil {
		return nil, err
	}
	if len(spans) == 0 {
		if spans, err = e.spans(c, text); err != nil {
			return nil, err
		}
	}
	enc, err := e.Tokenizer.EncodeFull(text, tokenizer.WithoutSpecialTokens())
	if err != nil {
		return nil, err
	}
	ex := &Example{Tokens: enc.IDs, Trained: make([]bool, enc.Len())}
	for i, at := range enc.Offsets {
		for len(spans) > 0 && at.Start >= spans[0].End {
			spans = spans[1:]
		}
		ex.Trained[i] = len(spans) > 0 && at.End > spans[0].Start
	}
	return ex, nil
}

// spans finds the answers in text, the whole conversation, by rendering it up to
// each of them.
func (e *Encoder) spans(c *conversation, text string) ([]templates.Span, error) {
	var spans []templates.Span
	for i, m := range c.messages {
		if m.Role != "assistant" {
			continue
		}
		s, err := e.span(c, i, text)
		if err != nil {
			return nil, fmt.Errorf("messages[%d]: %w", i, err)
		}
		if s.End > s.Start {
			spans = append(spans, s)
		}
	}
	return spans, nil
}

var errRewritten = errors.New("the template writes the answer, or what is before it, otherwise when more follows, so that it cannot be found")

// span finds the answer i in text: from where the conversation before it, with the
// opening of an answer, ends to where the one with it ends. Some templates drop what
// was thought before an answer once more follows; then that is not part of it.
func (e *Encoder) span(c *conversation, i int, text string) (s templates.Span, err error) {
	before, err := e.render(c, i, true)
	if err != nil {
		return s, err
	}
	upTo, err := e.render(c, i+1, false)
	if err != nil {
		return s, err
	}
	before, ok := opening(before, text, upTo)
	if !ok {
		return s, errRewritten
	}
	s = templates.Span{Start: len(before), End: len(before) + overlap(upTo[len(before):], text[len(before):])}
	if s.End == len(upTo) || strings.Contains(text[s.Start:s.End], said(c.messages[i])) {
		return s, nil
	}
	return s, errRewritten
}

// opening is what comes before an answer in both texts: before, or before without
// the thought that it begins.
func opening(before, text, upTo string) (string, bool) {
	plain := before
	if i := strings.LastIndex(before, "<think>"); i >= 0 {
		plain = before[:i]
	}
	for _, b := range []string{before, plain} {
		if strings.HasPrefix(text, b) && strings.HasPrefix(upTo, b) {
			return b, true
		}
	}
	return "", false
}

// overlap is the length of the longest start of text that upTo ends with, found as
// Knuth, Morris and Pratt do: the time is linear.
func overlap(upTo, text string) int {
	text = text[:min(len(text), len(upTo))]
	shorter := make([]int, len(text)+1) // the next shorter start of text that its first i bytes end with
	n := 0
	for i := 1; i < len(text); i++ {
		for n > 0 && (text[n] != text[i]) {
			n = shorter[n]
		}
		if text[n] == text[i] {
			n++
		}
		shorter[i+1] = n
	}
	n = 0
	for i := range len(upTo) {
		for n > 0 && (n == len(text) || text[n] != upTo[i]) {
			n = shorter[n]
		}
		if n < len(text) && text[n] == upTo[i] {
			n++
		}
	}
	return n
}

// said is a message's text without what was thought before it.
func said(m templates.Message) string {
	text := m.Content
	if i := strings.LastIndex(text, "</think>"); i >= 0 {
		text = text[i+len("</think>"):]
	}
	return strings.TrimSpace(text)
}
