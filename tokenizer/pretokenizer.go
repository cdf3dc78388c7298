package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// preTokenizer cuts text into smaller pieces, some of them writing it anew.
type preTokenizer interface {
	split(c *pieces, sc *scratch) error
}

var preTokenizers registry[preTokenizer]

func init() {
	byClass := func(c class, b behavior) preTokenizer {
		return splitter{pattern: classPattern{c, classes()}, behavior: b}
	}
	preTokenizers = registry[preTokenizer]{
		"ByteLevel": readByteLevel,
		"Metaspace": readMetaspace,
		"Split":     readSplit,
		"Whitespace": made(func() preTokenizer {
			return splitter{pattern: scanPattern{scanWhitespace, classes()}, behavior: isolated, drop: space}
		}),
		"WhitespaceSplit": made(func() preTokenizer { return byClass(space, removed) }),
		"BertPreTokenizer": made(func() preTokenizer {
			return preTokenizerSequence{byClass(space, removed), byClass(punct, isolated)}
		}),
		"UnicodeScripts":     always[preTokenizer](unicodeScripts{}),
		"CharDelimiterSplit": readDelimiter,
		"FixedLength": func(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
			n := fixedLength(f.intOr("length", 5))
			if n == 0 && f.err == nil {
				return nil, f.need("length").errorf("want at least 1")
			}
			return n, f.err
		},
		"Punctuation": func(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
			b, err := readBehavior(f, isolated)
			return byClass(punct, b), err
		},
		"Digits": func(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
			b := contiguous
			if f.boolOr("individual_digits", false) {
				b = isolated
			}
			return byClass(numeric, b), f.err
		},
		"Sequence": func(f *fields, r registry[preTokenizer]) (preTokenizer, error) {
			list, err := r.buildAll(f, "pretokenizers")
			return preTokenizerSequence(list).flat(), err
		},
	}
}

type preTokenizerSequence []preTokenizer

// flat puts the members of inner sequences in their places.
func (s preTokenizerSequence) flat() preTokenizerSequence {
	var out preTokenizerSequence
	for _, p := range s {
		if inner, ok := p.(preTokenizerSequence); ok {
			out = append(out, inner.flat()...)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (s preTokenizerSequence) split(c *pieces, sc *scratch) error {
	for _, p := range s {
		if err := p.split(c, sc); err != nil {
			return err
		}
	}
	return nil
}

// readDelimiter reads a CharDelimiterSplit, which takes out one character.
func readDelimiter(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	text := f.string("delimiter")
	if f.err == nil && utf8.RuneCountInString(text) != 1 {
		return nil, f.need("delimiter").errorf("want one character, have %q", text)
	}
	return splitter{pattern: literal(text), behavior: removed}, f.err
}

// byteLevel makes every byte a character of the byte-level alphabet, after
// splitting as GPT-2 does where it has a pattern.
type byteLevel struct {
	prefixSpace bool
	pattern     pattern // nil: no splitting
	raw         bool    // the model takes the bytes as they are
}

func readByteLevel(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	b := &byteLevel{prefixSpace: f.boolOr("add_prefix_space", true)}
	f.boolOr("trim_offsets", true) // the post-processor's
	if f.boolOr("use_regex", true) {
		b.pattern = scanPattern{scanGPT2, classes()}
	}
	return b, f.err
}

func (b *byteLevel) split(c *pieces, sc *scratch) error {
	if b.prefixSpace && c.lacks(" ") {
		c.rewrite(func(e *editor, p Span) {
			if e.old.s[p.Start] != ' ' {
				e.prepend(" ")
			}
			e.keep(p.End)
		})
	}
	if b.pattern != nil {
		if err := (splitter{pattern: b.pattern, behavior: isolated}).split(c, sc); err != nil {
			return err
		}
	}
	if !b.raw {
		c.rewrite(func(e *editor, p Span) { e.putBytes(e.old.s[p.Start:p.End]) })
	}
	return nil
}

// putBytes writes the bytes of text, which comes next, in the byte-level alphabet.
func (e *editor) putBytes(text string) {
	for i := range len(text) {
		change := 1
		if utf8.RuneStart(text[i]) {
			change = 0
		}
		e.put(byteToRune[text[i]], change)
	}
}

// lacks reports whether a piece does not begin with prefix.
func (c *pieces) lacks(prefix string) bool {
	for _, p := range c.list {
		if !strings.HasPrefix(c.s[p.Start:p.End], prefix) {
			return true
		}
	}
	return false
}

// useBytes lets the model take raw bytes where the last pre-tokenizer writes them
// in the byte-level alphabet, and nothing before it does.
func useBytes(p preTokenizer, m model) {
	b, ok := m.(*bpe)
	if level, last := mapsBytes(p); level != nil {
		level.raw = ok && last && b.useBytes()
	}
}

// mapsBytes finds the first pre-tokenizer that writes bytes in the byte-level
// alphabet, nil for none, and tells whether it is the last of all.
func mapsBytes(p preTokenizer) (level *byteLevel, last bool) {
	list, isList := p.(preTokenizerSequence)
	if !isList {
		list = preTokenizerSequence{p}
	}
	for i, p := range list {
		if level, ok := p.(*byteLevel); ok {
			return level, i == len(list)-1
		}
	}
	return nil, false
}

// fixedLength cuts pieces of so many characters.
type fixedLength int

func (n fixedLength) split(c *pieces, sc *scratch) error {
	return c.each(sc, func(dst []Span, p Span) ([]Span, error) {
		start, count := p.Start, 0
		for i := range c.s[p.Start:p.End] {
			if count == int(n) {
				dst = append(dst, Span{start, p.Start + i})
				start, count = p.Start+i, 0
			}
			count++
		}
		return append(dst, Span{start, p.End}), nil
	})
}

// unicodeScripts cuts where the script changes. What comes before the first character with a script is lost, as in the
// reference.
type unicodeScripts struct{}

func (unicodeScripts) split(c *pieces, sc *scratch) error {
	table := scripts()
	return c.each(sc, func(dst []Span, p Span) ([]Span, error) {
		last, start := uint8(0), -1
		for i, r := range c.s[p.Start:p.End] {
			script := table.of(r)
			if script == 0 || script == last {
				continue
			}
			if start >= 0 {
				dst = append(dst, Span{start, p.Start + i})
			}
			last, start = script, p.Start+i
		}
		if start >= 0 {
			dst = append(dst, Span{start, p.End})
		}
		return dst, nil
	})
}
