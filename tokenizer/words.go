package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// token is an id with the bytes of the piece that it stands for.
type token struct {
	id   int32
	span Span
}

// words is what models of whole words have in common.
type words struct {
	vocab *vocab
	name  string // of the unknown token
	unk   int32  // its id, -1 if the vocabulary does not have it
	cache *wordCache
}

func (w *words) vocabulary() *vocab { return w.vocab }

// unknown appends the unknown token for a whole piece.
func (w *words) unknown(dst []token, piece string) ([]token, error) {
	if w.unk < 0 {
		return dst, fmt.Errorf("tokenizer: %q is unknown, and the vocabulary has no token %q for that", excerpt(piece), w.name)
	}
	return append(dst, token{w.unk, Span{0, len(piece)}}), nil
}

// excerpt shortens a text for an error message.
func excerpt(text string) string {
	const most = 32
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// wordLevel knows whole pieces only.
type wordLevel struct{ words }

func (w *wordLevel) appendTokens(dst []token, piece string, _ *scratch) ([]token, error) {
	if id, ok := w.vocab.id(piece); ok {
		return append(dst, token{id, Span{0, len(piece)}}), nil
	}
	return w.unknown(dst, piece)
}

func (w *wordLevel) appendIDs(dst []int32, piece string, sc *scratch) ([]int32, error) {
	return idsOf(w, nil, dst, piece, sc)
}

// wordPiece takes the longest token that a piece begins with, then the longest one that goes on with a prefix, and so on;
// a piece that does not come out even is unknown.
type wordPiece struct {
	words
	trie  trie
	rest  int32 // where the trie stands after the prefix, -1 if no token has it
	limit int   // characters of the longest piece that is looked at
}

func (w *wordPiece) appendTokens(dst []token, piece string, _ *scratch) ([]token, error) {
	if utf8.RuneCountInString(piece) > w.limit {
		return w.unknown(dst, piece)
	}
	begun, node := len(dst), w.trie.root()
	for start := 0; start < len(piece); node = w.rest {
		id, end := w.longest(piece, start, node)
		if id < 0 {
			return w.unknown(dst[:begun], piece)
		}
		dst = append(dst, token{id, Span{start, end}})
		start = end
	}
	return dst, nil
}

// longest finds the longest token at piece[start:], from a node of the trie.
func (w *wordPiece) longest(piece string, start int, node int32) (id int32, end int) {
	id = -1
	for i := start; i < len(piece) && node >= 0; {
		if node = w.trie.next(node, piece[i]); node < 0 {
			break
		}
		i++
		if v := w.trie.value(node); v >= 0 {
			id, end = v, i
		}
	}
	return id, end
}

func (w *wordPiece) appendIDs(dst []int32, piece string, sc *scratch) ([]int32, error) {
	return idsOf(w, w.cache, dst, piece, sc)
}

// idsOf appends the ids of what appendTokens makes of a piece, from the cache where there is one that knows it.
func idsOf(m model, cache *wordCache, dst []int32, piece string, sc *scratch) ([]int32, error) {
	var hash uint64
	keep := cache != nil && len(piece) <= cacheMaxWord
	if keep {
		ids, h, ok := cache.find(piece)
		if ok {
			return append(dst, ids...), nil
		}
		hash = h
	}
	var err error
	if sc.tokens, err = m.appendTokens(sc.tokens[:0], piece, sc); err != nil {
		return dst, err
	}
	begun := len(dst)
	for _, t := range sc.tokens {
		dst = append(dst, t.id)
	}
	if keep {
		cache.keep(piece, hash, dst[begun:])
	}
	return dst, nil
}
