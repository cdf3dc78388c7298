package tokenizer

import "unicode/utf8"

// run returns the end of the run of characters from s[i:] that have a class of want.
func (t *classTable) run(s string, i int, want class) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&want == 0 {
			break
		}
		i += n
	}
	return i
}

// runWithout returns the end of the run of characters from s[i:] that have no class of not.
func (t *classTable) runWithout(s string, i int, not class) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&not != 0 {
			break
		}
		i += n
	}
	return i
}

// runOf is run for at most so many characters.
func (t *classTable) runOf(s string, i int, want class, most int) int {
	for ; most > 0 && i < len(s); most-- {
		c, n := t.at(s, i)
		if c&want == 0 {
			break
		}
		i += n
	}
	return i
}

// spaces matches \s+(?!\S)|\s+ at s[i:]: the run of white space, but for its last character when something follows.
func (t *classTable) spaces(s string, i int) int {
	return t.lastKept(s, i, t.run(s, i, space))
}

// lastKept leaves the last character of s[i:end], a run of white space, to what follows.
func (t *classTable) lastKept(s string, i, end int) int {
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
	return t.lastKept(s, i, end)
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

// scanCJK scans patternCJK.
func scanCJK(_ *classTable, s string, i int) int {
	hit := false
	for at, r := range s[i:] {
		is := r >= 0x4e00 && r <= 0x9fa5 || r >= 0x3040 && r <= 0x30ff
		if at == 0 {
			hit = is
		} else if is != hit {
			return ended(i+at, hit)
		}
	}
	return ended(len(s), hit)
}

// ended marks the end of a gap.
func ended(end int, hit bool) int {
	if hit {
		return end
	}
	return ^end
}

// trimLeft returns the length of the white space at the start of s.
func (t *classTable) trimLeft(s string) int { return t.run(s, 0, space) }

// trimRight returns where the white space at the end of s starts.
func (t *classTable) trimRight(s string) int {
	end := len(s)
	for end > 0 {
		c, n := t.before(s, end)
		if c&space == 0 {
			break
		}
		end -= n
	}
	return end
}

// at returns the classes and the length of the character at s[i:], which must not be empty.
func (t *classTable) at(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return t.rows[0][c], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return t.of(r), n
}

// before returns the classes of the character that ends at s[:i], which must not be empty.
func (t *classTable) before(s string, i int) (class, int) {
	r, n := utf8.DecodeLastRuneInString(s[:i])
	return t.of(r), n
}
