package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// metaspace stands for a space in vocabularies that come from SentencePiece.
const metaspace = "\u2581"

// cutRule tells where a piece may be cut without changing its ids. Some tokenizers (Gemma) hand the model a whole
// document as one piece. No merge joins a character c to a following metaspace unless some merge has c last on its left
// and a metaspace first on its right; before a metaspace that follows any other character the piece falls apart by itself.
// The words between are short, and the cache knows them.
type cutRule struct {
	joins []rune // characters after which a metaspace may merge
}

// maxJoins bounds the list that is searched at each metaspace; beyond it cutting would not pay.
const maxJoins = 16

// newCutRule returns the rule for m, nil if the model has none worth using.
func newCutRule(m *bpe) *cutRule {
	space, _ := utf8.DecodeRuneInString(metaspace)
	if m.chars.id(space) < 0 || m.prefix != "" || m.suffix != "" || m.ignoreMerges || m.drops() {
		return nil
	}
	unk, _ := m.vocab.token(m.unk)
	rule := &cutRule{}
	for i := range m.pairs.slots {
		s := &m.pairs.slots[i]
		if s.rank() == noRank {
			continue
		}
		right, _ := m.vocab.token(s.right)
		if !strings.HasPrefix(right, metaspace) {
			continue
		}
		left, _ := m.vocab.token(s.left)
		if strings.HasSuffix(left, ">") || unk != "" && strings.HasSuffix(left, unk) {
			return nil // might stand for a byte or an unknown character, whose text does not end as the token does
		}
		last, _ := utf8.DecodeLastRuneInString(left)
		if slices.Contains(rule.joins, last) {
			continue
		}
		if rule.joins = append(rule.joins, last); len(rule.joins) > maxJoins {
			return nil
		}
	}
	return rule
}

// drops reports whether a character can vanish, which would make neighbours of characters that are not.
func (m *bpe) drops() bool {
	return m.unk < 0 && (!m.byteFallback || slices.Contains(m.fallback[:], -1))
}

// next returns where to cut piece first, its length if nowhere.
func (c *cutRule) next(piece string) int {
	from := 1
	for from < len(piece) {
		i := strings.Index(piece[from:], metaspace)
		if i < 0 {
			break
		}
		i += from
		if last, _ := utf8.DecodeLastRuneInString(piece[:i]); !slices.Contains(c.joins, last) {
			return i
		}
		from = i + len(metaspace)
	}
	return len(piece)
}
