package tokenizer

import (
	"strings"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// validText returns text with each maximal part that is not valid UTF-8 replaced by U+FFFD, which is what a Rust or Python
// program hands to the reference.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for text != "" {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			n = invalidPart(text)
			b.WriteString(replacement)
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// validPassage is validText as a passage that knows where in text its bytes come from.
func validPassage(text string) passage {
	p := passage{s: validText(text), track: true}
	if len(p.s) == len(text) && p.s == text {
		return p
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		size := n
		if r == utf8.RuneError && n == 1 {
			n, size = invalidPart(text[i:]), len(replacement)
		}
		for range size {
			p.at = append(p.at, Span{i, i + n})
		}
		i += n
	}
	return p
}

// invalidPart returns the length of the maximal invalid part at the start of s, which is not valid there: the longest prefix
// of a well-formed character, or one byte (Unicode 15, section 3.9, U+FFFD substitution of maximal subparts).
func invalidPart[T string | []byte](s T) int {
	n, low, high := 0, byte(0x80), byte(0xbf)
	switch c := s[0]; {
	case c >= 0xc2 && c <= 0xdf:
		n = 2
	case c >= 0xe0 && c <= 0xef:
		n = 3
	case c >= 0xf0 && c <= 0xf4:
		n = 4
	}
	switch s[0] {
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	for i := 1; i < n; i++ {
		if i == len(s) || s[i] < low || s[i] > high {
			return i
		}
		low, high = 0x80, 0xbf
	}
	return max(n, 1)
}

// incomplete returns the length of the tail of b that could still become a valid character with more bytes.
func incomplete(b []byte) int {
	for n := 1; n <= min(3, len(b)); n++ {
		tail := b[len(b)-n:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) && invalidPart(tail) == n {
				return n
			}
			return 0
		}
	}
	return 0
}

// appendValid appends b with invalid parts replaced as validText does.
func appendValid(dst, b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = invalidPart(b)
			dst = append(dst, replacement...)
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}
