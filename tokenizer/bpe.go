package tokenizer

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// model turns one piece of pre-tokenized text into ids.
type model interface {
	// appendIDs appends the ids of piece to dst. It is safe for concurrent use, each caller with its own scratch.
	appendIDs(dst []int32, piece string, sc *scratch) ([]int32, error)
	// appendTokens appends the same ids with the bytes of piece that they stand for.
	appendTokens(dst []token, piece string, sc *scratch) ([]token, error)
	// vocabulary returns the tokens that the model knows.
	vocabulary() *vocab
}

// Symbols that stand for no token.
const (
	symNone    = int32(-1) // a character that is dropped: unknown, with no token for that
	symUnknown = int32(-2) // a character that becomes the unknown token
	symBytes   = int32(-3) // a character that becomes its bytes' tokens
)

// bpe is byte-pair encoding: a piece starts as its characters, and of all neighbours the pair with the lowest rank
// merges, the leftmost first, until none does.
type bpe struct {
	vocab        *vocab
	pairs        *pairTable
	cache        *wordCache
	unk          int32 // id of the unknown token, -1 if there is none
	fuseUnk      bool
	byteFallback bool
	ignoreMerges bool   // a piece that is a token becomes it without looking at the merges
	prefix       string // put before every character of a piece but the first
	suffix       string // put after the last character of a piece

	byteLevel bool        // pieces hold raw bytes that stand for the characters of the byte-level alphabet
	bytes     [256]int32  // symbol of each byte, where byteLevel
	chars     charTable   // symbol of each character, where neither prefix nor suffix applies
	fallback  *[256]int32 // id of <0x00> to <0xFF>, -1 where absent; nil without byteFallback
	cut       *cutRule    // where long pieces may be cut without changing the result
}

// bpeConfig holds the options of a BPE model.
type bpeConfig struct {
	unk                                 string
	hasUnk                              bool
	fuseUnk, byteFallback, ignoreMerges bool
	prefix, suffix                      string
}

// newBPE builds a model. pairs must hold the merges of v.
func newBPE(v *vocab, pairs *pairTable, cfg bpeConfig) (*bpe, error) {
	m := &bpe{
		vocab: v, pairs: pairs, cache: newWordCache(), unk: -1,
		fuseUnk: cfg.fuseUnk, byteFallback: cfg.byteFallback, ignoreMerges: cfg.ignoreMerges,
		prefix: cfg.prefix, suffix: cfg.suffix,
	}
	if cfg.hasUnk {
		id, ok := v.id(cfg.unk)
		if !ok {
			return nil, fmt.Errorf("token %q is not in the vocabulary", cfg.unk)
		}
		m.unk = id
	}
	if m.byteFallback {
		m.fallback = byteTokens(v)
	}
	m.chars = newCharTable(v)
	m.cut = newCutRule(m)
	return m, nil
}

// useBytes switches the model to pieces of raw bytes, each standing for its character of the byte-level alphabet. That
// saves translating the text. It returns false, and changes nothing, where a byte would need more than a symbol.
func (m *bpe) useBytes() bool {
	if m.prefix != "" || m.suffix != "" {
		return false
	}
	var syms [256]int32
	for b := range syms {
		syms[b] = m.symbol(byteToRune[b])
		if syms[b] < 0 {
			return false
		}
	}
	m.bytes, m.byteLevel, m.cut = syms, true, nil
	return true
}

func (m *bpe) vocabulary() *vocab { return m.vocab }

// symbol returns what a character starts as.
func (m *bpe) symbol(r rune) int32 {
	if id := m.chars.id(r); id >= 0 {
		return id
	}
	return m.unknown(string(r))
}

// unknown returns what a character becomes whose text, with prefix and suffix, is no token.
func (m *bpe) unknown(text string) int32 {
	if m.byteFallback {
		known := true
		for i := range len(text) {
			known = known && m.fallback[text[i]] >= 0
		}
		if known {
			return symBytes
		}
	}
	if m.unk >= 0 {
		return symUnknown
	}
	return symNone
}

// appendIDs implements model.
func (m *bpe) appendIDs(dst []int32, piece string, sc *scratch) ([]int32, error) {
	for m.cut != nil && len(piece) > cacheMaxWord/2 {
		i := m.cut.next(piece)
		if i == len(piece) {
			break
		}
		dst = m.appendWord(dst, piece[:i], sc)
		piece = piece[i:]
	}
	return m.appendWord(dst, piece, sc), nil
}

// appendWord appends the ids of one word, from the cache where it can.
func (m *bpe) appendWord(dst []int32, word string, sc *scratch) []int32 {
	if len(word) > cacheMaxWord {
		return m.merge(dst, word, sc)
	}
	ids, hash, ok := m.cache.find(word)
	if ok {
		return append(dst, ids...)
	}
	start := len(dst)
	dst = m.merge(dst, word, sc)
	m.cache.keep(word, hash, dst[start:])
	return dst
}

// merge does the work of appendWord.
func (m *bpe) merge(dst []int32, word string, sc *scratch) []int32 {
	if m.ignoreMerges {
		text := word
		if m.byteLevel {
			text = byteLevelText(word)
		}
		if id, ok := m.vocab.id(text); ok {
			return append(dst, id)
		}
	}
	if len(word) > math.MaxInt32/2 { // positions are 32-bit; a gigabyte without a break is no text
		half := len(word) / 2
		for !utf8.RuneStart(word[half]) {
			half++
		}
		return m.merge(m.merge(dst, word[:half], sc), word[half:], sc)
	}
	syms := m.symbols(sc.syms[:0], word, nil)
	sc.syms = syms
	if len(syms) <= fewSymbols {
		return m.mergeFew(dst, syms, sc)
	}
	return m.mergeMany(dst, syms, sc)
}

// affixed returns the symbol of a character with the prefix and suffix that its place asks for.
func (m *bpe) affixed(text string, first, last bool) (int32, string) {
	if !first {
		text = m.prefix + text
	}
	if last {
		text += m.suffix
	}
	if id, ok := m.vocab.id(text); ok {
		return id, text
	}
	return m.unknown(text), text
}
