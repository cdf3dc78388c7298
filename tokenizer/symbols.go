package tokenizer

import "unicode/utf8"

// appendTokens implements model. The ids come from where appendIDs takes them; as a rule the texts of the tokens, one after
// the other, are the piece, which tells what each stands for. Else the piece is merged again with the lengths kept.
func (m *bpe) appendTokens(dst []token, piece string, sc *scratch) ([]token, error) {
	var err error
	if sc.ids, err = m.appendIDs(sc.ids[:0], piece, sc); err != nil {
		return dst, err
	}
	begun, at := len(dst), 0
	for _, id := range sc.ids {
		text, _ := m.vocab.token(id)
		n := m.matches(piece[at:], text)
		if n < 0 {
			return m.mergeTokens(dst[:begun], piece, sc), nil
		}
		dst = append(dst, token{id, Span{at, at + n}})
		at += n
	}
	if at < len(piece) {
		return m.mergeTokens(dst[:begun], piece, sc), nil
	}
	return dst, nil
}

// matches returns how many bytes of piece a token's text stands for, -1 if piece does not begin with it.
func (m *bpe) matches(piece, text string) int {
	if !m.byteLevel {
		if len(text) > len(piece) || piece[:len(text)] != text {
			return -1
		}
		return len(text)
	}
	n := 0
	for _, r := range text {
		if n == len(piece) || byteToRune[piece[n]] != r {
			return -1
		}
		n++
	}
	return n
}

// mergeTokens merges a piece, keeping the lengths of what it starts as.
func (m *bpe) mergeTokens(dst []token, piece string, sc *scratch) []token {
	sc.lengths = sc.lengths[:0]
	syms := m.symbols(sc.syms[:0], piece, &sc.lengths)
	sc.syms = syms
	if len(syms) == 0 {
		return dst
	}
	sc.ids = m.mergeMany(sc.ids[:0], syms, sc)
	at, l := 0, &sc.links
	for i := 0; i < len(syms); i = int(l.next[i]) {
		start := at
		for k := i; k < int(l.next[i]); k++ {
			at += sc.lengths[k]
		}
		dst = append(dst, token{syms[i], Span{start, at}})
	}
	return dst
}

// symbols appends what the word starts as, and the bytes that each stands for to lengths unless that is nil.
func (m *bpe) symbols(dst []int32, word string, lengths *[]int) []int32 {
	if m.byteLevel {
		for i := range len(word) {
			if s := m.bytes[word[i]]; s != symNone {
				dst = append(dst, s)
				if lengths != nil {
					*lengths = append(*lengths, 1)
				}
			}
		}
		return dst
	}
	w := symbolWriter{m: m, dst: dst, lengths: lengths}
	for i := 0; i < len(word); {
		r, n := utf8.DecodeRuneInString(word[i:])
		text := word[i : i+n]
		var s int32
		if m.prefix == "" && m.suffix == "" {
			if s = m.chars.id(r); s < 0 {
				s = m.unknown(text)
			}
		} else {
			s, text = m.affixed(text, i == 0, i+n == len(word))
		}
		w.add(s, text, n)
		i += n
	}
	w.unknown()
	return w.dst
}

// symbolWriter collects symbols. An unknown token waits: it takes its place before the next known one, as in the reference.
type symbolWriter struct {
	m       *bpe
	dst     []int32
	lengths *[]int
	waiting int // bytes of the unknown token that waits, 0: none does
}

// put appends a symbol that stands for n bytes.
func (w *symbolWriter) put(s int32, n int) {
	w.dst = append(w.dst, s)
	if w.lengths != nil {
		*w.lengths = append(*w.lengths, n)
	}
}

// unknown appends the unknown token that waits.
func (w *symbolWriter) unknown() {
	if w.waiting > 0 {
		w.put(w.m.unk, w.waiting)
	}
	w.waiting = 0
}

// add appends the symbol s of text, n bytes of the word.
func (w *symbolWriter) add(s int32, text string, n int) {
	switch s {
	case symNone:
	case symBytes: // passes by a waiting unknown token, as in the reference
		for i := range len(text) {
			w.put(w.m.fallback[text[i]], 1)
		}
	case symUnknown:
		if !w.m.fuseUnk {
			w.unknown()
		}
		w.waiting += n
	default:
		w.unknown()
		w.put(s, n)
	}
}
