package tokenizer

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// normalizer rewrites text before it is split.
type normalizer interface {
	normalize(p *passage) error
}

var normalizers registry[normalizer]

func init() {
	normalizers = registry[normalizer]{
		"NFC":            form(true, false),
		"NFD":            form(false, false),
		"NFKC":           form(true, true),
		"NFKD":           form(false, true),
		"Lowercase":      always[normalizer](lowercase{}),
		"StripAccents":   always[normalizer](without(accent)),
		"Nmt":            always[normalizer](nmt{}),
		"ByteLevel":      always[normalizer](byteLevelNormalizer{}),
		"BertNormalizer": readBertNormalizer,
		"Precompiled":    readPrecompiled,
		"Replace":        readReplace,
		"Strip": func(f *fields, _ registry[normalizer]) (normalizer, error) {
			return strip{f.boolOr("strip_left", true), f.boolOr("strip_right", true)}, f.err
		},
		"Prepend": func(f *fields, _ registry[normalizer]) (normalizer, error) {
			return prepend(f.string("prepend")), f.err
		},
		"Sequence": func(f *fields, r registry[normalizer]) (normalizer, error) {
			list, err := r.buildAll(f, "normalizers")
			return normalizerSequence(list), err
		},
	}
}

type normalizerSequence []normalizer

func (s normalizerSequence) normalize(p *passage) error {
	for _, n := range s {
		if err := n.normalize(p); err != nil {
			return err
		}
	}
	return nil
}

// normalized returns text as n makes it.
func normalized(n normalizer, text string) (string, error) {
	p := passage{s: text}
	if n == nil {
		return text, nil
	}
	err := n.normalize(&p)
	return p.s, err
}

// lowercase maps every character to its lower-case form, without regard to its
// neighbours.
type lowercase struct{}

func (lowercase) normalize(p *passage) error {
	table := lowers()
	return mapped(p, func(r rune) bool { return r == 'İ' || table.of(r) != r }, func(e *editor, r rune) {
		if r == 'İ' {
			e.put('i', 0)
			e.put('\u0307', 1)
			return
		}
		e.put(table.of(r), 0)
	})
}

// mapped writes p anew, character by character, unless touched is false of all.
func mapped(p *passage, touched func(rune) bool, write func(e *editor, r rune)) error {
	i := strings.IndexFunc(p.s, touched)
	if i < 0 {
		return nil
	}
	text, e := p.s, p.edit()
	e.keep(i)
	for _, r := range text[i:] {
		write(e, r)
	}
	e.done()
	return nil
}

// without takes out the characters of a class.
type without class

func (w without) normalize(p *passage) error {
	t := classes()
	dropped := func(r rune) bool { return t.of(r)&class(w) != 0 }
	return mapped(p, dropped, func(e *editor, r rune) { e.putUnless(r, dropped(r)) })
}

// putUnless writes the next character as r, or leaves it out.
func (e *editor) putUnless(r rune, dropped bool) {
	if dropped {
		e.skip()
		return
	}
	e.put(r, 0)
}

// nmt takes out control characters and makes others spaces, as SentencePiece's
// nmt_nfkc rules do.
type nmt struct{}

func (nmt) normalize(p *passage) error {
	changed := func(r rune) bool { return nmtRune(r) != r }
	return mapped(p, changed, func(e *editor, r rune) { e.putUnless(nmtRune(r), nmtRune(r) < 0) })
}

// nmtRune returns what a character becomes, -1 if nothing.
func nmtRune(r rune) rune {
	switch {
	case r >= 1 && r <= 8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
		return -1
	case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029,
		r == 0x2581, r == 0xfeff, r == utf8.RuneError:
		return ' '
	}
	return r
}

// byteLevelNormalizer writes every byte as its character of the byte-level
// alphabet.
type byteLevelNormalizer struct{}

func (byteLevelNormalizer) normalize(p *passage) error {
	text, e := p.s, p.edit()
	e.putBytes(text)
	e.done()
	return nil
}

// strip takes white space off the ends.
type strip struct{ left, right bool }

func (s strip) normalize(p *passage) error {
	t, keep := classes(), Span{0, len(p.s)}
	if s.left {
		keep.Start = t.trimLeft(p.s)
	}
	if s.right {
		keep.End = max(t.trimRight(p.s), keep.Start)
	}
	*p = p.part(keep)
	return nil
}

// prepend puts text before what is not empty.
type prepend string

func (t prepend) normalize(p *passage) error {
	if p.s == "" {
		return nil
	}
	end, e := len(p.s), p.edit()
	e.prepend(string(t))
	e.keep(end)
	e.done()
	return nil
}

// replace puts text in the place of what a pattern matches.
type replace struct {
	pattern pattern
	content string
}

func readReplace(f *fields, _ registry[normalizer]) (normalizer, error) {
	p, err := readPattern(f, "pattern")
	return replace{p, f.string("content")}, cmp.Or(err, f.err)
}

func (r replace) normalize(p *passage) error {
	if old, ok := r.pattern.(literal); ok && old != "" {
		r.literal(p, string(old))
		return nil
	}
	found, err := r.pattern.matches(nil, p.s)
	if err != nil || len(found) == 0 || len(found) == 1 && !found[0].hit {
		return err
	}
	e := p.edit()
	for _, m := range found {
		if !m.hit {
			e.keep(m.end)
			continue
		}
		e.from = m.end
		e.insert(r.content)
	}
	e.done()
	return nil
}

// literal is normalize for a pattern that is just a text.
func (r replace) literal(p *passage, old string) {
	i := strings.Index(p.s, old)
	if i < 0 {
		return
	}
	text, e := p.s, p.edit()
	for i >= 0 {
		e.keep(e.from + i)
		e.from += len(old)
		e.insert(r.content)
		i = strings.Index(text[e.from:], old)
	}
	e.keep(len(text))
	e.done()
}
