package templates

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// digits returns the offset after digits of the class ok that may be separated
// by single underscores, or off where there is none.
func (l *lexer) digits(off int, ok func(byte) bool) int {
	for off < len(l.src) {
		switch c := l.src[off]; {
		case ok(c):
			off++
		case c == '_' && off+1 < len(l.src) && ok(l.src[off+1]):
			off += 2
		default:
			return off
		}
	}
	return off
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDecimal(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// number reads a float where one matches (and does not follow a dot, so that
// a.0.1 is two subscripts), else an integer.
func (l *lexer) number() error {
	if l.i == 0 || l.src[l.i-1] != '.' {
		if end := l.floatEnd(); end > 0 {
			return l.float(end)
		}
	}
	base, end := 10, l.i+1
	class := isDecimal
	if l.src[l.i] == '0' {
		class = func(c byte) bool { return c == '0' }
		if b, ok := l.prefixed(); ok {
			base, end = b, l.i+2
			class = func(c byte) bool {
				return isHex(c) && (b == 16 || c >= '0' && c < '0'+byte(b))
			}
		}
	}
	end = l.digits(end, class)
	text := strings.ReplaceAll(l.src[l.i:end], "_", "")
	if base != 10 {
		text = text[2:]
	}
	if len(text) > maxDigits {
		return at(limitf("integer literal of %d digits", len(text)), l.posAt(l.i))
	}
	n, ok := new(big.Int).SetString(text, base)
	if !ok {
		return l.fail(l.i, "malformed integer %s", quote(text))
	}
	l.toks = append(l.toks, token{kind: tokInt, pos: l.posAt(l.i), text: text, num: bigVal(n)})
	l.i = end
	return nil
}

// prefixed returns the base of a 0b, 0o or 0x literal at the current offset.
func (l *lexer) prefixed() (int, bool) {
	if l.i+2 >= len(l.src) {
		return 0, false
	}
	base := map[byte]int{'b': 2, 'o': 8, 'x': 16}[l.src[l.i+1]|0x20]
	c := l.src[l.i+2]
	if c == '_' && l.i+3 < len(l.src) {
		c = l.src[l.i+3]
	}
	if base == 0 || !isHex(c) || base != 16 && c >= '0'+byte(base) {
		return 0, false
	}
	return base, true
}

// floatEnd returns the end of the float at the current offset, or 0.
func (l *lexer) floatEnd() int {
	end := l.digits(l.i, isDecimal)
	found := false
	if end+1 < len(l.src) && l.src[end] == '.' && isDecimal(l.src[end+1]) {
		end, found = l.digits(end+1, isDecimal), true
	}
	if end < len(l.src) && l.src[end]|0x20 == 'e' {
		exp := end + 1
		if exp < len(l.src) && (l.src[exp] == '+' || l.src[exp] == '-') {
			exp++
		}
		if exp < len(l.src) && isDecimal(l.src[exp]) {
			end, found = l.digits(exp, isDecimal), true
		}
	}
	if !found {
		return 0
	}
	return end
}

func (l *lexer) float(end int) error {
	// Out of range is not an error in Python: the literal is inf.
	f, _ := strconv.ParseFloat(strings.ReplaceAll(l.src[l.i:end], "_", ""), 64)
	l.toks = append(l.toks, token{kind: tokFloat, pos: l.posAt(l.i), num: float(f)})
	l.i = end
	return nil
}

// quoted reads a string literal.
func (l *lexer) quoted(q byte) error {
	for end := l.i + 1; end < len(l.src); end++ {
		switch l.src[end] {
		case '\\':
			end++
		case q:
			s, err := unescape(l.src[l.i+1 : end])
			if err != nil {
				return l.fail(l.i, "%s", err.Error())
			}
			l.emit(tokString, l.i, s)
			l.i = end + 1
			return nil
		}
	}
	return l.fail(l.i, "unexpected char %s at %d", quote(string(q)), utf8.RuneCountInString(l.src[:l.i]))
}

// unescape decodes the escapes of a Python string literal.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 >= len(s) {
			return "", errf(`\ at end of string`)
		}
		n, err := unescapeOne(&b, s[i+1:])
		if err != nil {
			return "", err
		}
		i += 1 + n
	}
	return b.String(), nil
}

var simpleEscapes = map[byte]string{'\n': "", '\\': `\`, '\'': `'`, '"': `"`, 'a': "\a", 'b': "\b",
	'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// unescapeOne decodes the escape that follows a backslash and returns its length.
func unescapeOne(b *strings.Builder, s string) (int, error) {
	c := s[0]
	if text, ok := simpleEscapes[c]; ok {
		b.WriteString(text)
		return 1, nil
	}
	switch {
	case c >= '0' && c <= '7':
		n, v := 0, rune(0)
		for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
			v = v*8 + rune(s[n]-'0')
			n++
		}
		b.WriteRune(v)
		return n, nil
	case c == 'x' || c == 'u' || c == 'U':
		size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if len(s) < 1+size {
			return 0, errf(`truncated \%c escape`, c)
		}
		v, err := strconv.ParseUint(s[1:1+size], 16, 32)
		if err != nil {
			return 0, errf(`truncated \%c escape`, c)
		}
		if v > utf8.MaxRune {
			return 0, errf("illegal Unicode character")
		}
		b.WriteRune(rune(v))
		return 1 + size, nil
	case c == 'N':
		return 0, errf(`\N escapes are not supported; write the character itself`)
	case c >= utf8.RuneSelf:
		// Jinja turns the character into an escape first, so that only the
		// backslash before it is consumed and the escape's letters remain.
		r, n := utf8.DecodeRuneInString(s)
		b.WriteByte('\\')
		b.Write(appendEscaped(nil, r)[1:])
		return n, nil
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return 1, nil
}
