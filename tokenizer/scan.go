package tokenizer

// A scanner finds the end of the piece that starts at s[i:]. Scanners stand for the split patterns of the large model
// families, whose alternatives cover every character, so that pieces follow each other without gaps.
type scanner func(t *classTable, s string, i int) int

// Patterns that have a scanner. Each is given in the notations in which it is found.
const (
	patternGPT2      = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternGPT2Short = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	contractions     = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|`
	wordsAndMarks    = `[^\r\n\p{L}\p{N}]?\p{L}+|`
	marksAndNewlines = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternLlama3    = contractions + wordsAndMarks + `\p{N}{1,3}` + marksAndNewlines
	patternQwen2     = contractions + wordsAndMarks + `\p{N}` + marksAndNewlines
)

// scannerFor returns the scanner of a pattern, nil if it has none.
func scannerFor(pattern string) scanner {
	switch pattern {
	case patternGPT2, patternGPT2Short:
		return scanGPT2
	case patternLlama3:
		return scanLlama3
	case patternQwen2:
		return scanQwen2
	}
	return nil
}

// scanGPT2 scans patternGPT2.
func scanGPT2(t *classTable, s string, i int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], false); n > 0 {
			return i + n
		}
	}
	from := i
	if s[i] == ' ' && i+1 < len(s) {
		from++
	}
	switch c, n := t.at(s, from); {
	case c&letter != 0:
		return t.run(s, from+n, letter)
	case c&number != 0:
		return t.run(s, from+n, number)
	case c&space == 0:
		return t.runOther(s, from+n)
	}
	return t.spaces(s, i)
}

// scanLlama3 scans patternLlama3, also called cl100k.
func scanLlama3(t *classTable, s string, i int) int { return scanWords(t, s, i, 3) }

// scanQwen2 scans patternQwen2.
func scanQwen2(t *classTable, s string, i int) int { return scanWords(t, s, i, 1) }

// scanWords scans the patterns that differ only in how many digits stay together.
func scanWords(t *classTable, s string, i, digits int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], true); n > 0 {
			return i + n
		}
	}
	c, n := t.at(s, i)
	if c&letter != 0 {
		return t.run(s, i+n, letter)
	}
	if c&number != 0 {
		end := i + n
		for digits--; digits > 0 && end < len(s); digits-- {
			if c, n = t.at(s, end); c&number == 0 {
				break
			}
			end += n
		}
		return end
	}
	next, m := class(0), 0
	if i+n < len(s) {
		next, m = t.at(s, i+n)
	}
	if next&letter != 0 && s[i] != '\r' && s[i] != '\n' {
		return t.run(s, i+n+m, letter)
	}
	switch {
	case c&space == 0:
		return newlines(s, t.runOther(s, i+n))
	case s[i] == ' ' && m > 0 && next&(letter|number|space) == 0:
		return newlines(s, t.runOther(s, i+n+m))
	}
	return t.linesOrSpaces(s, i)
}

// runOther returns the end of the run of characters from s[i:] that are neither space, letter nor number.
func (t *classTable) runOther(s string, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&(letter|number|space) != 0 {
			break
		}
		i += n
	}
	return i
}

// spaces matches \s+(?!\S)|\s+ at s[i:]: the run of white space, but for its last character when something follows.
func (t *classTable) spaces(s string, i int) int {
	end := t.run(s, i, space)
	if end == len(s) {
		return end
	}
	if _, n := t.before(s, end); end-n > i {
		return end - n
	}
	return end
}

// linesOrSpaces matches \s*[\r\n]+|\s+(?!\S)|\s+ at s[i:]: the run of white space up to its last line break, if it has one.
func (t *classTable) linesOrSpaces(s string, i int) int {
	end := t.run(s, i, space)
	for last := end; last > i; last-- {
		if c := s[last-1]; c == '\r' || c == '\n' {
			return last
		}
	}
	if end == len(s) {
		return end
	}
	if _, n := t.before(s, end); end-n > i {
		return end - n
	}
	return end
}

// newlines returns the end of the run of line breaks from s[i:].
func newlines(s string, i int) int {
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// contraction returns the length of an English contraction at the start of s, which starts with an apostrophe, or 0.
// Without regard to case, the letter U+017F counts as an s.
func contraction(s string, fold bool) int {
	if len(s) < 2 {
		return 0
	}
	a, b := s[1], byte(0)
	if len(s) > 2 {
		b = s[2]
	}
	if fold {
		if a == 0xc5 && b == 0xbf {
			return 3
		}
		a, b = lowerASCII(a), lowerASCII(b)
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
