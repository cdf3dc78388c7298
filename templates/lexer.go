package templates

import (
	"strings"
	"unicode/utf8"
)

// pos is a place in the template: 1-based line and column in bytes.
type pos struct{ line, col int32 }

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokData
	tokVarBegin
	tokVarEnd
	tokBlockBegin
	tokBlockEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
)

// token is one lexeme. text is the source of names and operators and the value
// of data and strings; num is the value of numbers.
type token struct {
	kind tokenKind
	pos  pos
	text string
	num  Value
}

// describe names the token as Jinja's messages do.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template data / text"
	case tokVarBegin:
		return "begin of print statement"
	case tokVarEnd:
		return "end of print statement"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokString:
		return "string"
	case tokInt:
		return "integer"
	case tokFloat:
		return "float"
	}
	return t.text
}

// lexer cuts a template into tokens with trim_blocks and lstrip_blocks on: the
// newline after a block tag and the blanks before one at the start of a line
// vanish, as do all blanks beside a minus sign.
type lexer struct {
	src       string
	i         int  // offset of the next byte
	lineStart bool // the last lexeme ended with a newline, or nothing was read
	toks      []token
	braces    []byte // closers still awaited inside a tag
	counted   int    // offset up to which newlines were counted
	line      int32  // line at counted
	lineBegin int    // offset of the start of that line
}

// lex tokenizes a whole template.
func lex(src string) ([]token, error) {
	src = normalizeNewlines(src)
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	l.toks = make([]token, 0, len(src)/8+16)
	for l.i < len(l.src) {
		if err := l.root(); err != nil {
			return nil, err
		}
	}
	end := token{kind: tokEOF, pos: pos{1, 1}}
	if n := len(l.toks); n > 0 {
		end.pos = l.toks[n-1].pos // as Jinja has it
	}
	return append(l.toks, end), nil
}

func normalizeNewlines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// posAt returns the place of an offset; offsets must not decrease.
func (l *lexer) posAt(off int) pos {
	for l.counted < off {
		if l.src[l.counted] == '\n' {
			l.line++
			l.lineBegin = l.counted + 1
		}
		l.counted++
	}
	return pos{l.line, int32(off - l.lineBegin + 1)}
}

func (l *lexer) emit(kind tokenKind, off int, text string) {
	l.toks = append(l.toks, token{kind: kind, pos: l.posAt(off), text: text})
}

func (l *lexer) fail(off int, format string, args ...any) error {
	return syntaxError(l.posAt(off), format, args...)
}

// root reads text up to and including the next tag opener, and then the tag.
func (l *lexer) root() error {
	start := l.i
	open := start
	for {
		j := strings.IndexByte(l.src[open:], '{')
		if j < 0 || open+j+1 >= len(l.src) {
			l.emit(tokData, start, l.src[start:])
			l.i = len(l.src)
			return nil
		}
		open += j
		if c := l.src[open+1]; c == '%' || c == '{' || c == '#' {
			break
		}
		open++
	}
	kind := l.src[open+1]
	bodyAt, sign := open+2, byte(0)
	if kind == '%' {
		if end, s, ok := l.rawBegin(open); ok {
			l.text(start, open, s, true)
			l.i = end
			l.lineStart = l.src[end-1] == '\n'
			return l.raw()
		}
	}
	if bodyAt < len(l.src) && (l.src[bodyAt] == '-' || l.src[bodyAt] == '+') {
		sign = l.src[bodyAt]
		bodyAt++
	}
	l.text(start, open, sign, kind != '{')
	l.i, l.lineStart = bodyAt, false
	switch kind {
	case '#':
		return l.comment(open)
	case '%':
		l.emit(tokBlockBegin, open, "")
		return l.tag(tokBlockEnd)
	default:
		l.emit(tokVarBegin, open, "")
		return l.tag(tokVarEnd)
	}
}

// text emits the data between start and end, stripped as the sign of the tag
// that follows demands.
func (l *lexer) text(start, end int, sign byte, lstrip bool) {
	data := l.src[start:end]
	switch {
	case sign == '-':
		data = trimRightSpace(data)
	case sign != '+' && lstrip:
		cut := strings.LastIndexByte(data, '\n') + 1
		if (cut > 0 || l.lineStart) && cut < len(data) && trimRightSpace(data[cut:]) == "" {
			data = data[:cut]
		}
	}
	if data != "" {
		l.emit(tokData, start, data)
	}
}

// skipSpace returns the offset after the blanks that begin at off.
func (l *lexer) skipSpace(off int) int {
	for off < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[off:])
		if !isSpace(r) {
			break
		}
		off += n
	}
	return off
}

// closer matches the end of a tag at off: a plain end (which swallows one
// newline if trim), one after a minus (which swallows all blanks) or, where
// plus allows it, one after a plus.
func (l *lexer) closer(off int, end string, trim, plus bool) (int, bool) {
	rest := l.src[off:]
	switch {
	case strings.HasPrefix(rest, end):
		off += len(end)
		if trim && off < len(l.src) && l.src[off] == '\n' {
			off++
		}
		return off, true
	case strings.HasPrefix(rest, "-") && strings.HasPrefix(rest[1:], end):
		return l.skipSpace(off + 1 + len(end)), true
	case plus && strings.HasPrefix(rest, "+") && strings.HasPrefix(rest[1:], end):
		return off + 1 + len(end), true
	}
	return off, false
}

func (l *lexer) comment(open int) error {
	for off := l.i; off < len(l.src); off++ {
		if end, ok := l.closer(off, "#}", true, true); ok {
			l.i = end
			l.lineStart = l.src[end-1] == '\n'
			return nil
		}
	}
	if l.i >= len(l.src) {
		return nil // nothing follows the opener: not an error, as in Jinja
	}
	return l.fail(open, "Missing end of comment tag")
}

// rawTag matches an opener, a sign, blanks and the given name at off.
func (l *lexer) rawTag(off int, name string) (int, byte, bool) {
	if !strings.HasPrefix(l.src[off:], "{%") {
		return 0, 0, false
	}
	off += 2
	sign := byte(0)
	if off < len(l.src) && (l.src[off] == '-' || l.src[off] == '+') {
		sign = l.src[off]
		off++
	}
	off = l.skipSpace(off)
	if !strings.HasPrefix(l.src[off:], name) {
		return 0, 0, false
	}
	return l.skipSpace(off + len(name)), sign, true
}

func (l *lexer) rawBegin(off int) (int, byte, bool) {
	off, sign, ok := l.rawTag(off, "raw")
	if !ok {
		return 0, 0, false
	}
	end, ok := l.closer(off, "%}", false, false)
	return end, sign, ok
}

// raw emits everything up to the matching endraw as data.
func (l *lexer) raw() error {
	start := l.i
	for off := start; off < len(l.src); off++ {
		j := strings.Index(l.src[off:], "{%")
		if j < 0 {
			break
		}
		off += j
		after, sign, ok := l.rawTag(off, "endraw")
		if !ok {
			continue
		}
		if end, ok := l.closer(after, "%}", true, true); ok {
			l.text(start, off, sign, true)
			l.i = end
			l.lineStart = l.src[end-1] == '\n'
			return nil
		}
	}
	if start >= len(l.src) {
		return nil // as for comments
	}
	return l.fail(start, "Missing end of raw directive")
}
