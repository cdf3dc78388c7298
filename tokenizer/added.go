package tokenizer

import "strings"

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
	shown      string // what it is looked for as, and decodes to
}

// added holds the added tokens of a tokenizer.
type added struct {
	tokens  []addedToken
	byText  map[string]int
	byID    idIndex
	special map[string]bool // by content
	raw     finder          // those looked for in the text as it came
	normal  finder          // those looked for in normalized text
}

// newAdded indexes tokens. Of two with the same content the later counts, as in
// the reference; a token that is empty is never found.
func newAdded(tokens []addedToken, norm normalizer) (*added, error) {
	a := &added{tokens: tokens, byText: make(map[string]int), special: make(map[string]bool)}
	for i := range tokens {
		tok := &tokens[i]
		a.byText[tok.content] = i
		if tok.special && tok.content != "" {
			a.special[tok.content] = true
		}
		tok.shown = tok.content
		if tok.normalized {
			var err error
			if tok.shown, err = normalized(norm, tok.content); err != nil {
				return nil, err
			}
		}
	}
	a.byID = newIDIndex(len(tokens), func(i int) int32 { return tokens[i].id })
	counts := func(i int) bool { return a.byText[tokens[i].content] == i }
	a.raw = newFinder(tokens, func(i int) bool { return counts(i) && !tokens[i].normalized })
	a.normal = newFinder(tokens, func(i int) bool { return counts(i) && tokens[i].normalized })
	return a, nil
}

// of returns the added token with the id, nil if there is none.
func (a *added) of(id int32) *addedToken {
	if i := a.byID.find(id); i >= 0 {
		return &a.tokens[i]
	}
	return nil
}

// idIndex finds things by id; the last of several counts.
type idIndex struct {
	dense  []int32         // place + 1, 0 where there is none
	sparse map[int32]int32 // place, where ids are too far apart for a slice
}

// maxDense is the greatest id for which a slice is made.
const maxDense = 1 << 22

func newIDIndex(n int, id func(i int) int32) (x idIndex) {
	high := int32(-1)
	for i := range n {
		high = max(high, id(i))
	}
	if high > maxDense {
		x.sparse = make(map[int32]int32, n)
	} else {
		x.dense = make([]int32, high+1)
	}
	for i := range n {
		if x.sparse != nil {
			x.sparse[id(i)] = int32(i)
		} else if id(i) >= 0 {
			x.dense[id(i)] = int32(i) + 1
		}
	}
	return x
}

// find returns where the id is, -1 if nowhere.
func (x *idIndex) find(id int32) int {
	if x.sparse != nil {
		if i, ok := x.sparse[id]; ok {
			return int(i)
		}
		return -1
	}
	if id < 0 || int(id) >= len(x.dense) {
		return -1
	}
	return int(x.dense[id]) - 1
}

// readAdded reads the member added_tokens. As in the reference a token that the
// vocabulary has too keeps the id that it has there, and the others follow the
// vocabulary in their order, whatever ids the file gives them.
func readAdded(n *node, v *vocab, norm normalizer) (*added, error) {
	if n == nil || n.isNull() {
		return newAdded(nil, norm)
	}
	if n.kind != '[' {
		return nil, n.errorf("want an array, have %s", n.describe())
	}
	tokens, next := make([]addedToken, len(n.values)), int32(v.len())
	ids := make(map[string]int32)
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
		id, known := ids[tok.content]
		if !known {
			if id, known = v.id(tok.content); !known && tok.content != "" {
				id = next
				next++
			}
			ids[tok.content] = id
		}
		tok.id = id
		tokens[i] = tok
	}
	return newAdded(tokens, norm)
}

// finder finds the leftmost of a set of strings, the longest where several start
// at the same place.
type finder struct {
	trie  trie
	first [256]bool // bytes that one begins with
	only  byte      // that byte, if it is just one
	count int       // of them
}

func newFinder(tokens []addedToken, takes func(i int) bool) (f finder) {
	var list []int32
	for i := range tokens {
		if takes(i) && tokens[i].shown != "" {
			list = append(list, int32(i))
			f.only = tokens[i].shown[0]
			f.first[f.only] = true
		}
	}
	for _, is := range f.first {
		if is {
			f.count++
		}
	}
	f.trie = makeTrie(len(list), func(i int) string { return tokens[list[i]].shown }, func(i int) int32 { return list[i] })
	return f
}

// find returns the first of the strings in s[from:], where it starts and ends, -1
// if there is none.
func (f *finder) find(s string, from int) (token, start, end int) {
	for i := from; i < len(s); i++ {
		if f.count == 1 {
			next := strings.IndexByte(s[i:], f.only)
			if next < 0 {
				break
			}
			i += next
		} else if !f.first[s[i]] {
			continue
		}
		token = -1
		node := f.trie.root()
		for k := i; k < len(s); k++ {
			if node = f.trie.next(node, s[k]); node < 0 {
				break
			}
			if v := f.trie.value(node); v >= 0 {
				token, end = int(v), k+1
			}
		}
		if token >= 0 {
			return token, i, end
		}
	}
	return -1, 0, 0
}

// cut appends the parts of s in order: those that are an added token with its
// index, and those between with -1. Special tokens count as text where they are
// not asked for.
func (a *added) cut(dst []section, f *finder, s string, special bool) []section {
	done, blankTo, table := 0, 0, classes() // white space reaches up to blankTo
	for from := 0; f.count > 0 && from < len(s); {
		token, start, end := f.find(s, from)
		if token < 0 {
			break
		}
		from = end
		tok := &a.tokens[token]
		if tok.special && !special || tok.singleWord && !alone(table, s, start, end) {
			continue
		}
		if tok.lstrip {
			start = max(done, min(done, start)+table.trimRight(s[min(done, start):start]))
		}
		if tok.rstrip {
			if end >= blankTo {
				blankTo = end + table.trimLeft(s[end:])
			}
			end = blankTo
		}
		if done < start {
			dst = append(dst, section{-1, Span{done, start}})
		}
		dst = append(dst, section{token, Span{start, end}})
		done = end
	}
	if done < len(s) {
		dst = append(dst, section{-1, Span{done, len(s)}})
	}
	return dst
}

// section is a part of a text, an added token or the text between.
type section struct {
	token int // index of the added token, -1: text
	Span
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
