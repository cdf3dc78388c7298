package tokenizer

import "slices"

// Kind names the algorithm that cuts words into tokens, as tokenizer.json does: "BPE", "Unigram", "WordPiece" or
// "WordLevel".
func (t *Tokenizer) Kind() string {
	switch t.model.(type) {
	case *bpe:
		return "BPE"
	case *unigram:
		return "Unigram"
	case *wordLevel:
		return "WordLevel"
	}
	return "WordPiece"
}

// SpecialTokens returns the ids of the special tokens, such as an end of text, in order.
func (t *Tokenizer) SpecialTokens() []int32 {
	var ids []int32
	for _, tok := range t.added.tokens {
		if tok.special {
			ids = append(ids, tok.id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
