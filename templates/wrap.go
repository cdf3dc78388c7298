package templates

import (
	"strings"
	"unicode"
)

func filterWordWrap(m *machine, a []Value) (Value, error) {
	s, ok := asText(a[0])
	if !ok {
		return nil, noAttribute(a[0], "splitlines")
	}
	width, err := optInt(a[1], 79)
	if err != nil {
		return nil, err
	}
	if width <= 0 {
		return nil, errf("invalid width %d (must be > 0)", width)
	}
	sep := "\n"
	if a[3] != nil && a[3] != none {
		if sep, err = wantText("wordwrap", a[3]); err != nil {
			return nil, err
		}
	}
	long := a[2] == nil || truth(a[2])
	hyphens := a[4] == nil || truth(a[4])
	if err := m.room(len(s) + len(s)/width*len(sep)); err != nil {
		return nil, err
	}
	var lines []string
	for _, par := range splitLines(s, false) {
		wrapped := wrapLine(wrapChunks(par, hyphens), width, long, hyphens)
		lines = append(lines, strings.Join(wrapped, sep))
	}
	out := strings.Join(lines, sep)
	return str(out), m.room(len(out))
}

// asciiBlank is what Python's textwrap takes for white space.
func asciiBlank(r rune) bool { return strings.ContainsRune("\t\n\x0b\x0c\r ", r) }

// wrapChunks cuts a line into words and the blanks between them. Words may be
// cut after a hyphen between letters, and around long dashes.
func wrapChunks(s string, hyphens bool) []string {
	var chunks []string
	for s != "" {
		blank := asciiBlank(rune(s[0]))
		end := strings.IndexFunc(s, func(r rune) bool { return asciiBlank(r) != blank })
		if end < 0 {
			end = len(s)
		}
		if blank || !hyphens {
			chunks = append(chunks, s[:end])
		} else {
			chunks = append(chunks, hyphenParts(s[:end])...)
		}
		s = s[end:]
	}
	return chunks
}

// hyphenParts cuts a word after its hyphens and on both sides of a dash of
// several hyphens.
func hyphenParts(word string) []string {
	var parts []string
	w := []rune(word)
	wordish := func(i int) bool {
		return i >= 0 && i < len(w) && (isWordChar(w[i]) || strings.ContainsRune(`!"'&.,?`, w[i]))
	}
	start := 0
	for i := 0; i < len(w); i++ {
		if w[i] != '-' {
			continue
		}
		run := i
		for run < len(w) && w[run] == '-' {
			run++
		}
		switch {
		case run-i >= 2 && wordish(i-1) && run < len(w) && isWordChar(w[run]):
			parts = append(parts, string(w[start:i]), string(w[i:run]))
			start = run
		case breaksAfter(w, i):
			parts = append(parts, string(w[start:run]))
			start = run
		}
		i = run - 1
	}
	if start < len(w) {
		parts = append(parts, string(w[start:]))
	}
	return parts
}

// breaksAfter reports whether a line may end with the hyphen w[i]: two letters
// on either side, which one hyphen may part.
func breaksAfter(w []rune, i int) bool {
	letter := func(i int) bool {
		return i >= 0 && i < len(w) && isWordChar(w[i]) && !unicode.Is(unicode.Nd, w[i])
	}
	pair := func(near, far, farther int) bool {
		return letter(near) && (letter(far) || letter(farther) && w[far] == '-')
	}
	return pair(i-1, i-2, i-3) && pair(i+1, i+2, i+3)
}

// wrapLine fills lines with chunks. Blanks at the begin and end of a line
// vanish, but for those that begin the first.
func wrapLine(chunks []string, width int, long, hyphens bool) []string {
	var lines []string
	for len(chunks) > 0 {
		if len(lines) > 0 && strings.TrimFunc(chunks[0], isSpace) == "" {
			chunks = chunks[1:]
		}
		used, n := 0, 0
		for n < len(chunks) {
			w := runesUpTo(chunks[n], width+1)
			if used+w > width {
				break
			}
			used += w
			n++
		}
		line := append([]string(nil), chunks[:n]...)
		chunks = chunks[n:]
		if len(chunks) > 0 && runesUpTo(chunks[0], width+1) > width {
			switch {
			case long:
				cut := longCut(chunks[0], width-used, hyphens)
				line = append(line, chunks[0][:cut])
				chunks[0] = chunks[0][cut:]
			case len(line) == 0:
				line, chunks = chunks[:1:1], chunks[1:]
			}
		}
		if n := len(line); n > 0 && strings.TrimFunc(line[n-1], isSpace) == "" {
			line = line[:n-1]
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, ""))
		}
	}
	return lines
}

// runesUpTo counts the code points of s, but no more than most: a long word is cut
// into many lines, each of which asks.
func runesUpTo(s string, most int) int {
	n := 0
	for range s {
		if n++; n >= most {
			break
		}
	}
	return n
}

// longCut returns where to cut a word that is longer than a line: after the
// last hyphen that fits where there is one behind something else, or at room.
func longCut(word string, room int, hyphens bool) int {
	cut := runeOffset(word, room)
	if hyphens && cut < len(word) {
		if i := strings.LastIndexByte(word[:cut], '-'); i > 0 && strings.Trim(word[:i], "-") != "" {
			return i + 1
		}
	}
	return cut
}
