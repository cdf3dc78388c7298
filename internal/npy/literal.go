package npy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The values of Python literals, beside string, bool and int (which is not
// negative here).
type (
	dict  map[string]any
	tuple []any
	list  []any
)

// maxNesting is far above what a type description has.
const maxNesting = 8

// parseLiteral reads the few kinds of Python literals that headers consist of:
// dictionaries with string keys, tuples, lists, strings, integers, True and False.
func parseLiteral(text string) (any, error) {
	p := &parser{text: text}
	v, err := p.value(0)
	if p.peek(); err == nil && p.pos < len(text) {
		err = errors.New("something follows the literal")
	}
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", p.pos, err)
	}
	return v, nil
}

type parser struct {
	text string
	pos  int
}

// peek skips white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

// skip moves past c if it is next.
func (p *parser) skip(c byte) bool {
	if p.peek() != c || p.pos == len(p.text) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, errors.New("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.dict(depth)
	case c == '(':
		return p.tuple(depth)
	case c == '[':
		items, _, err := p.items('[', ']', depth)
		return list(items), err
	case c == '\'' || c == '"':
		return p.str(c)
	case '0' <= c && c <= '9':
		return p.integer()
	case p.word("True"):
		return true, nil
	case p.word("False"):
		return false, nil
	}
	return nil, errors.New("no literal that a header can have")
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

func (p *parser) dict(depth int) (any, error) {
	p.skip('{')
	out := dict{}
	for !p.skip('}') {
		c := p.peek()
		if c != '\'' && c != '"' {
			return nil, errors.New("want a key")
		}
		key, err := p.str(c)
		if err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%q appears twice", key)
		}
		if !p.skip(':') {
			return nil, errors.New("want a colon")
		}
		if out[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		if !p.skip(',') && p.peek() != '}' {
			return nil, errors.New("want a comma or }")
		}
	}
	return out, nil
}

// tuple reads a tuple, or a value in parentheses.
func (p *parser) tuple(depth int) (any, error) {
	items, comma, err := p.items('(', ')', depth)
	if err == nil && len(items) == 1 && !comma {
		return items[0], nil
	}
	return tuple(items), err
}

// items reads values up to a closing bracket, and tells whether a comma stood
// before it.
func (p *parser) items(begin, end byte, depth int) (out []any, comma bool, err error) {
	p.skip(begin)
	for !p.skip(end) {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, false, err
		}
		out = append(out, v)
		if comma = p.skip(','); !comma && p.peek() != end {
			return nil, false, fmt.Errorf("want a comma or %c", end)
		}
	}
	return out, comma, nil
}

// str reads a string without escapes, which no header needs.
func (p *parser) str(quote byte) (string, error) {
	p.pos++
	n := strings.IndexByte(p.text[p.pos:], quote)
	if n < 0 {
		return "", errors.New("a string has no end")
	}
	s := p.text[p.pos : p.pos+n]
	if strings.ContainsAny(s, "\\\n") {
		return "", errors.New("a string has an escape or a line feed")
	}
	p.pos += n + 1
	return s, nil
}

// integer reads a number, with the L that Python 2 wrote behind long ones.
func (p *parser) integer() (int, error) {
	start := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 0)
	if err != nil {
		return 0, fmt.Errorf("%s is no size", p.text[start:p.pos])
	}
	if p.pos < len(p.text) && p.text[p.pos] == 'L' {
		p.pos++
	}
	return int(n), nil
}
