package tokenizer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a tokenizer.json; real files need about eight levels.
const maxDepth = 64

// jsonReader walks one JSON document without building a tree, since vocabularies run to tens of megabytes.
// Methods record the first error and do nothing after it; the error names the path of the value at fault.
type jsonReader struct {
	src   string // the whole document, valid UTF-8
	pos   int
	depth int
	path  []string
	err   error
}

// newJSONReader starts at the document's beginning. It refuses text that is not UTF-8.
func newJSONReader(src string) *jsonReader {
	r := &jsonReader{src: src}
	if !utf8.ValidString(src) {
		r.fail("not valid UTF-8")
	}
	return r
}

// fail records an error at the current path and position.
func (r *jsonReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &pathError{path: strings.Join(r.path, ""), msg: fmt.Sprintf(format, args...)}
	}
}

// unexpected reports what stands at the current position instead of want.
func (r *jsonReader) unexpected(want string) {
	switch r.peek() {
	case 0:
		r.fail("unexpected end of input, want %s", want)
	default:
		c, _ := utf8.DecodeRuneInString(r.src[r.pos:])
		r.fail("unexpected %q at byte %d, want %s", c, r.pos, want)
	}
}

// peek returns the first byte of the next token, 0 at the end or after an error.
func (r *jsonReader) peek() byte {
	if r.err != nil {
		return 0
	}
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; c {
		case ' ', '\n', '\r', '\t':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// accept consumes the token c if it comes next.
func (r *jsonReader) accept(c byte) bool {
	if r.peek() != c || c == 0 {
		return false
	}
	r.pos++
	return true
}

func (r *jsonReader) enter(open byte, want string) bool {
	if !r.accept(open) {
		r.unexpected(want)
		return false
	}
	if r.depth++; r.depth > maxDepth {
		r.fail("nested more than %d levels deep", maxDepth)
		return false
	}
	return true
}

// object calls field for every member; field must consume the value.
func (r *jsonReader) object(field func(key string)) {
	r.members(func(key string) {
		r.path = append(r.path, "."+key)
		field(key)
		r.path = r.path[:len(r.path)-1]
	})
}

// members is object without path bookkeeping, for members that run to the hundred thousands.
func (r *jsonReader) members(field func(key string)) {
	if !r.enter('{', "an object") {
		return
	}
	defer func() { r.depth-- }()
	if r.accept('}') {
		return
	}
	for r.err == nil {
		key := r.string()
		if !r.accept(':') {
			r.unexpected("':'")
			return
		}
		field(key)
		if r.accept(',') {
			continue
		}
		if !r.accept('}') {
			r.unexpected("',' or '}'")
		}
		return
	}
}

// array calls elem for every element; elem must consume the value.
func (r *jsonReader) array(elem func(i int)) {
	r.elements(func(i int) {
		r.path = append(r.path, "["+strconv.Itoa(i)+"]")
		elem(i)
		r.path = r.path[:len(r.path)-1]
	})
}

// elements is array without path bookkeeping.
func (r *jsonReader) elements(elem func(i int)) {
	if !r.enter('[', "an array") {
		return
	}
	defer func() { r.depth-- }()
	if r.accept(']') {
		return
	}
	for i := 0; r.err == nil; i++ {
		elem(i)
		if r.accept(',') {
			continue
		}
		if !r.accept(']') {
			r.unexpected("',' or ']'")
		}
		return
	}
}

// string reads a string. Without escapes it is a slice of the document.
func (r *jsonReader) string() string {
	if !r.accept('"') {
		r.unexpected("a string")
		return ""
	}
	start := r.pos
	for i := start; i < len(r.src); i++ {
		switch c := r.src[i]; {
		case c == '"':
			r.pos = i + 1
			return r.src[start:i]
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			r.pos = i
			r.fail("control character %q at byte %d inside a string", c, i)
			return ""
		}
	}
	r.fail("unexpected end of input inside a string")
	return ""
}

// escaped finishes a string that began at start and has its first escape at i.
func (r *jsonReader) escaped(start, i int) string {
	buf := []byte(r.src[start:i])
	for i < len(r.src) {
		switch c := r.src[i]; {
		case c == '"':
			r.pos = i + 1
			return string(buf)
		case c < ' ':
			r.fail("control character %q at byte %d inside a string", c, i)
			return ""
		case c != '\\':
			buf = append(buf, c)
			i++
		default:
			var n int
			if buf, n = appendEscape(buf, r.src[i:]); n == 0 {
				r.fail("bad escape at byte %d inside a string", i)
				return ""
			}
			i += n
		}
	}
	r.fail("unexpected end of input inside a string")
	return ""
}

// number returns the text of a number.
func (r *jsonReader) number() string {
	c := r.peek()
	if c != '-' && (c < '0' || c > '9') {
		r.unexpected("a number")
		return ""
	}
	start := r.pos
	for r.pos < len(r.src) && strings.IndexByte("+-.eE0123456789", r.src[r.pos]) >= 0 {
		r.pos++
	}
	text := r.src[start:r.pos]
	digits := strings.TrimPrefix(text, "-")
	_, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrSyntax) || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		r.fail("%q is not a number", text)
	}
	return text
}

// id reads a token id.
func (r *jsonReader) id() int32 {
	text := r.number()
	if r.err != nil {
		return 0
	}
	id, err := parseID(text)
	if err != nil {
		r.fail("%v", err)
	}
	return id
}

// parseID reads a token id: a whole number from 0 to 2147483647.
func parseID(text string) (int32, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a token id (a whole number from 0 to 2147483647)", text)
	}
	return int32(n), nil
}

// word reads true, false or null.
func (r *jsonReader) word() string {
	for _, w := range [...]string{"true", "false", "null"} {
		if r.peek() == w[0] && strings.HasPrefix(r.src[r.pos:], w) {
			r.pos += len(w)
			return w
		}
	}
	r.unexpected("a value")
	return ""
}

// skip steps over one value of any kind, checking its form.
func (r *jsonReader) skip() {
	switch r.peek() {
	case '{':
		r.members(func(string) { r.skip() })
	case '[':
		r.elements(func(int) { r.skip() })
	case '"':
		r.string()
	case 't', 'f', 'n':
		r.word()
	default:
		r.number()
	}
}

// end checks that nothing follows the document.
func (r *jsonReader) end() {
	if r.peek() != 0 {
		r.unexpected("the end of the document")
	}
}
