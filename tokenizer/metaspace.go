package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// metaspaces writes spaces as a visible character, puts one in front and cuts before each.
type metaspaces struct {
	mark    string
	prepend prependScheme
	cut     bool
}

// prependScheme says which pieces get a mark in front.
type prependScheme string

const (
	prependAlways prependScheme = "always"
	prependFirst  prependScheme = "first"
	prependNever  prependScheme = "never"
)

// readMark reads what the pre-tokenizer and the decoder have in common.
func readMark(f *fields) (mark string, scheme prependScheme, err error) {
	mark = f.string("replacement")
	scheme = prependScheme(f.stringOr("prepend_scheme", string(prependAlways)))
	old := f.boolOr("add_prefix_space", true)
	f.stringOr("str_rep", mark)
	switch {
	case f.err != nil:
		return "", "", f.err
	case utf8.RuneCountInString(mark) != 1:
		return "", "", f.need("replacement").errorf("want one character, have %q", mark)
	case scheme != prependAlways && scheme != prependFirst && scheme != prependNever:
		return "", "", f.need("prepend_scheme").errorf("unknown scheme %q (known: always, first, never)", scheme)
	case !old && f.get("prepend_scheme") != nil && scheme != prependNever:
		return "", "", f.need("add_prefix_space").errorf("false contradicts the prepend_scheme %q", scheme)
	case !old:
		scheme = prependNever
	}
	return mark, scheme, nil
}

func readMetaspace(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	mark, scheme, err := readMark(f)
	if err != nil {
		return nil, err
	}
	return metaspaces{mark, scheme, f.boolOr("split", true)}, f.err
}

func (m metaspaces) split(c *pieces, sc *scratch) error {
	c.rewrite(func(e *editor, p Span) {
		text := e.old.s[p.Start:p.End]
		marked := text[0] == ' ' || strings.HasPrefix(text, m.mark)
		if !marked && (m.prepend == prependAlways || m.prepend == prependFirst && e.old.start(p.Start) == 0) {
			e.prepend(m.mark)
		}
		for {
			i := strings.IndexByte(e.old.s[e.from:p.End], ' ')
			if i < 0 {
				break
			}
			e.keep(e.from + i)
			e.from++
			e.insert(m.mark)
		}
		e.keep(p.End)
	})
	if !m.cut {
		return nil
	}
	return splitter{pattern: literal(m.mark), behavior: mergedWithNext}.split(c, sc)
}
