package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// ggufSentencePiece makes the tokenizer of a model with SentencePiece's scores: of all neighbours that make a token those
// whose token has the greatest score merge first, the leftmost of equals, and what is left over is written as bytes. That
// is llama.cpp's way, and SentencePiece's for BPE.
func ggufSentencePiece(md Metadata) (*Tokenizer, error) {
	prefix := true
	if md.Has(ggufPrefix) {
		var err error
		if prefix, err = md.Bool(ggufPrefix); err != nil {
			return nil, err
		}
	}
	model, err := ggufScored(md)
	if err != nil {
		return nil, err
	}
	escape, strip := replace{literal(" "), metaspace}, 0
	t := &Tokenizer{model: model, normalize: escape}
	if prefix {
		t.normalize, strip = normalizerSequence{prepend(metaspace), escape}, 1
	}
	t.decode = decoderSequence{
		replaceDecoder{literal(metaspace), " "}, byteFallback{}, fuse{}, stripDecoder{" ", strip, 0},
	}
	if t.added, err = ggufAdded(md, model.vocab); err != nil {
		return nil, err
	}
	t.post, err = ggufProcessor(md, model.vocab, true)
	return t, err
}

// ggufScored reads vocabulary and scores, and makes merges of them.
func ggufScored(md Metadata) (*bpe, error) {
	tokens, err := md.Strings(ggufTokens)
	if err != nil {
		return nil, err
	}
	scores, err := md.Floats(ggufScores)
	if err != nil {
		return nil, err
	}
	if len(scores) != len(tokens) {
		return nil, fmt.Errorf("%s: %d scores for %d tokens", ggufScores, len(scores), len(tokens))
	}
	v, err := ggufVocab(tokens)
	if err != nil {
		return nil, err
	}
	types, err := ggufTypesOf(md, v)
	if err != nil {
		return nil, err
	}
	m, err := newBPE(v, scoredPairs(v, scores, types), bpeConfig{byteFallback: true})
	if err != nil {
		return nil, err
	}
	if slices.Contains(m.fallback[:], -1) {
		return nil, errors.New(ggufTokens + ": not all of <0x00> to <0xFF> are there")
	}
	return m, nil
}

// scoredPairs makes a merge of every way to put a token together of two. Tokens with equal scores have equal ranks, so that
// of them the leftmost merges first. Control tokens are no result of merging: nobody can spell one.
func scoredPairs(v *vocab, scores []float64, types []int64) *pairTable {
	order := make([]int32, 0, v.len())
	for i := range v.len() {
		plain := types == nil || types[i] != ggufControl && types[i] != ggufUnknown && types[i] != ggufByte
		if plain && utf8.RuneCountInString(v.entry(i)) > 1 {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(scores[b], scores[a]) })
	ranks := make([]uint32, len(order))
	for k := 1; k < len(order); k++ {
		ranks[k] = ranks[k-1]
		if scores[order[k]] != scores[order[k-1]] {
			ranks[k]++
		}
	}
	found := inParts(len(order), func(from, to int) (merges []pairSlot) {
		for k := from; k < to; k++ {
			merges = appendSplits(merges, v, order[k], ranks[k])
		}
		return merges
	})
	n := 0
	for _, merges := range found {
		n += len(merges)
	}
	pairs := newPairTable(n)
	for _, merges := range found {
		for _, m := range merges {
			pairs.add(m.left, m.right, m.rank(), m.into)
		}
	}
	return pairs
}

// appendSplits appends the ways to put a token together of two.
func appendSplits(merges []pairSlot, v *vocab, id int32, rank uint32) []pairSlot {
	text := v.entry(int(id))
	for at := range text {
		if at == 0 {
			continue
		}
		left, ok := v.id(text[:at])
		if !ok {
			continue
		}
		if right, ok := v.id(text[at:]); ok {
			merges = append(merges, pairSlot{left, right, rank + 1, id})
		}
	}
	return merges
}

// ggufRoles reads the ids of tokens with a part to play.
func (t *Tokenizer) ggufRoles(md Metadata) error {
	read := func(name string) (int32, error) {
		key := "tokenizer.ggml." + name + "_token_id"
		if !md.Has(key) {
			return -1, nil
		}
		id, err := md.Int(key)
		if err == nil && (id < 0 || id >= int64(t.Size())) {
			err = fmt.Errorf("%s: %d is not one of the %d tokens", key, id, t.Size())
		}
		return int32(id), err
	}
	var eot, eom int32
	for name, to := range map[string]*int32{
		"bos": &t.roles.BOS, "eos": &t.roles.EOS, "padding": &t.roles.Pad, "unknown": &t.roles.Unknown, "eot": &eot, "eom": &eom,
	} {
		id, err := read(name)
		if err != nil {
			return err
		}
		*to = id
	}
	t.roles.Ends = t.ends(t.roles.EOS, eot, eom)
	return nil
}
