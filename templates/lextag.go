package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tag reads the inside of a block or print tag up to its end.
func (l *lexer) tag(end tokenKind) error {
	mark := "}}"
	if end == tokBlockEnd {
		mark = "%}"
	}
	l.braces = l.braces[:0]
	for l.i < len(l.src) {
		if len(l.braces) == 0 {
			block := end == tokBlockEnd
			if off, ok := l.closer(l.i, mark, block, block); ok {
				l.emit(end, l.i, "")
				l.i = off
				l.lineStart = l.src[off-1] == '\n'
				return nil
			}
		}
		if off := l.skipSpace(l.i); off > l.i {
			l.i = off
			continue
		}
		if err := l.lexeme(); err != nil {
			return err
		}
	}
	return nil // the parser reports the missing end
}

// lexeme reads one number, name, string or operator.
func (l *lexer) lexeme() error {
	c := l.src[l.i]
	switch {
	case c >= '0' && c <= '9':
		return l.number()
	case c == '\'' || c == '"':
		return l.quoted(c)
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.i:])
	if isWordRune(r) {
		return l.name()
	}
	return l.operator()
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) ||
		unicode.Is(unicode.Pc, r) || r == 0xb7)
}

func (l *lexer) name() error {
	start := l.i
	end := start
	for end < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[end:])
		if !isWordRune(r) {
			break
		}
		end += n
	}
	word := l.src[start:end]
	if !isIdentifier(word) {
		return l.fail(start, "Invalid character in identifier")
	}
	l.emit(tokName, start, word)
	l.i = end
	return nil
}

// operators by length, longest first.
var operators = [...]string{"**", "//", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (l *lexer) operator() error {
	for _, op := range operators {
		if !strings.HasPrefix(l.src[l.i:], op) {
			continue
		}
		switch op {
		case "(":
			l.braces = append(l.braces, ')')
		case "[":
			l.braces = append(l.braces, ']')
		case "{":
			l.braces = append(l.braces, '}')
		case ")", "]", "}":
			if err := l.closeBrace(op); err != nil {
				return err
			}
		}
		l.emit(tokOp, l.i, op)
		l.i += len(op)
		return nil
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.i:])
	return l.fail(l.i, "unexpected char %s at %d", quote(string(r)), utf8.RuneCountInString(l.src[:l.i]))
}

func (l *lexer) closeBrace(op string) error {
	if len(l.braces) == 0 {
		return l.fail(l.i, "unexpected '%s'", op)
	}
	want := l.braces[len(l.braces)-1]
	l.braces = l.braces[:len(l.braces)-1]
	if want != op[0] {
		return l.fail(l.i, "unexpected '%s', expected '%c'", op, want)
	}
	return nil
}
