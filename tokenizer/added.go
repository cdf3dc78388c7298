package tokenizer

import (
	"slices"
	"strings"
)

// addedToken is a token that is cut out of the text before anything else looks at
// it.
type addedToken struct {
	id      int32
	content string
	special bool
	// Only between characters that are not of a word.
	singleWord bool
	// Takes the white space on its left or right with it.
	lstrip, rstrip bool
	// Looked for in the normalized text, else in the text as it came.
	normalized bool
}

// added holds the added tokens of a tokenizer.
type added struct {
	tokens []addedToken
	byText map[string]int
	byID   map[int32]int
	raw    finder // those looked for in the text as it came
	normal finder // those looked for in normalized text
}

// newAdded indexes tokens. Of two with the same content the later counts, as in
// the reference; a token that is empty is never found.
func newAdded(tokens []addedToken, norm normalizer) *added {
	a := &added{tokens: tokens, byText: make(map[string]int), byID: make(map[int32]int)}
	for i, tok := range tokens {
		a.byText[tok.content], a.byID[tok.id] = i, i
	}
	for i, tok := range tokens {
		switch {
		case tok.content == "" || a.byText[tok.content] != i:
		case tok.normalized && norm != nil:
			a.normal.add(norm.normalize(tok.content), i)
		case tok.normalized:
			a.normal.add(tok.content, i)
		default:
			a.raw.add(tok.content, i)
		}
	}
	a.raw.sort()
	a.normal.sort()
	return a
}

// readAdded reads the member added_tokens. A token that the vocabulary has too
// keeps the id that it has there, as in the reference.
func readAdded(n *node, v *vocab, norm normalizer) (*added, error) {
	if n == nil || n.isNull() {
		return newAdded(nil, norm), nil
	}
	if n.kind != '[' {
		return nil, n.errorf("want an array, have %s", n.describe())
	}
	tokens := make([]addedToken, len(n.values))
	for i := range n.values {
		f := n.values[i].fields()
		tok := addedToken{
			id: f.id("id"), content: f.string("content"), special: f.boolOr("special", false),
			singleWord: f.boolOr("single_word", false), lstrip: f.boolOr("lstrip", false),
			rstrip: f.boolOr("rstrip", false),
		}
		tok.normalized = f.boolOr("normalized", !tok.special)
		if err := f.close(); err != nil {
			return nil, err
		}
		if id, ok := v.id(tok.content); ok {
			tok.id = id
		}
		tokens[i] = tok
	}
	return newAdded(tokens, norm), nil
}

// finder finds the leftmost of a set of strings, the longest where several start
// at the same place.
type finder struct {
	first [256][]needle // by first byte, the longest first
	bytes string        // the first bytes
}

type needle struct {
	text  string
	token int
}

func (f *finder) add(text string, token int) {
	if text == "" {
		return
	}
	if f.first[text[0]] == nil {
		f.bytes += text[:1]
	}
	f.first[text[0]] = append(f.first[text[0]], needle{text, token})
}

func (f *finder) sort() {
	for _, list := range f.first {
		slices.SortStableFunc(list, func(a, b needle) int { return len(b.text) - len(a.text) })
	}
}

// find returns the first needle in s[from:] and where it starts, -1 if there is
// none.
func (f *finder) find(s string, from int) (int, needle) {
	for i := from; i < len(s); i++ {
		if len(f.bytes) == 1 {
			next := strings.IndexByte(s[i:], f.bytes[0])
			if next < 0 {
				break
			}
			i += next
		}
		for _, n := range f.first[s[i]] {
			if strings.HasPrefix(s[i:], n.text) {
				return i, n
			}
		}
	}
	return -1, needle{}
}

// cut calls emit for the parts of s in order: those that are an added token with
// its index, and those between with -1. No part is empty.
func (a *added) cut(f *finder, s string, emit func(part string, token int) error) error {
	done, table := 0, classes()
	for from := 0; f.bytes != "" && from < len(s); {
		at, n := f.find(s, from)
		if at < 0 {
			break
		}
		end := at + len(n.text)
		from = end
		tok := &a.tokens[n.token]
		if at < done || tok.singleWord && !alone(table, s, at, end) {
			continue
		}
		if tok.lstrip {
			at = max(done, table.trimRight(s[:at]))
		}
		if tok.rstrip {
			end += table.trimLeft(s[end:])
		}
		if done < at {
			if err := emit(s[done:at], -1); err != nil {
				return err
			}
		}
		if err := emit(s[at:end], n.token); err != nil {
			return err
		}
		done = end
	}
	if done < len(s) {
		return emit(s[done:], -1)
	}
	return nil
}

// alone reports whether no character of a word touches s[start:end].
func alone(t *classTable, s string, start, end int) bool {
	if start > 0 {
		if c, _ := t.before(s, start); c&word != 0 {
			return false
		}
	}
	if end < len(s) {
		if c, _ := t.at(s, end); c&word != 0 {
			return false
		}
	}
	return true
}
