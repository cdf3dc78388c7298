package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0d, r >= 0x1c && r <= 0x20:
		return true
	case r < 0x80:
		return false
	}
	return r == 0x85 || r == 0xa0 || unicode.Is(unicode.Z, r) && r != 0x200b
}

func trimRightSpace(s string) string { return strings.TrimRightFunc(s, isSpace) }

// isIdentifier is Python's str.isidentifier.
func isIdentifier(s string) bool {
	for i, r := range s {
		start := r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Other_ID_Start, r)
		if start {
			continue
		}
		if i == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue) {
			return false
		}
	}
	return s != ""
}

// appendEscaped appends r as a Python escape: \xhh, \uhhhh or \Uhhhhhhhh.
func appendEscaped(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	size := 2
	switch {
	case r > 0xffff:
		b, size = append(b, `\U`...), 8
	case r > 0xff:
		b, size = append(b, `\u`...), 4
	default:
		b = append(b, `\x`...)
	}
	for i := size - 1; i >= 0; i-- {
		b = append(b, hex[r>>(4*i)&15])
	}
	return b
}

// appendQuoted appends the repr of a string: quoted with single quotes unless
// only double quotes save escapes, unprintable characters escaped, and with
// ascii everything beyond ASCII escaped too.
func appendQuoted(b []byte, s string, ascii bool) []byte {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b = append(b, q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ' || r == 0x7f || r >= utf8.RuneSelf && (ascii || !unicode.IsPrint(r)):
			b = appendEscaped(b, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, q)
}
