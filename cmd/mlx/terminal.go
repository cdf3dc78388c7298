package main

import (
	"os"
	"strings"
)

// SGR codes of terminals.
const (
	dim       = "\x1b[2;36m" // special tokens
	bold      = "\x1b[1;33m" // roles
	underline = "\x1b[4m"    // what the assistant wrote
	plain     = "\x1b[0m"
)

// wantsColour reports whether the user of a terminal wants colours.
func wantsColour() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

// paint writes the prompt for a terminal: special tokens and roles coloured, what
// the assistant wrote underlined, control characters made visible, a line break at
// the end.
func (p *prompt) paint(colour bool) string {
	var b strings.Builder
	for _, part := range p.Parts {
		style := map[string]string{"special": dim, "role": bold}[part.Kind]
		if part.Assistant {
			style += underline
		}
		if !colour || style == "" {
			b.WriteString(visible(part.Text))
			continue
		}
		b.WriteString(style + visible(part.Text) + plain)
	}
	if !strings.HasSuffix(p.Prompt, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// visible replaces the control characters that a terminal would obey.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' && r != '\n' && r != '\t':
			return r + '\u2400' // the control pictures
		case r == 0x7f:
			return '\u2421'
		case r >= 0x80 && r < 0xa0:
			return '\ufffd'
		}
		return r
	}, text)
}
