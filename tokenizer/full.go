package tokenizer

// EncodeFull returns the tokens of text with their offsets and masks.
func (t *Tokenizer) EncodeFull(text string, opts ...EncodeOption) (*Encoding, error) {
	return t.single([]string{text}, newEncodeOptions(opts))
}

// EncodePair returns the tokens of two texts that belong together, such as a
// question and a passage, as the post-processor joins them.
func (t *Tokenizer) EncodePair(first, second string, opts ...EncodeOption) (*Encoding, error) {
	return t.single([]string{first, second}, newEncodeOptions(opts))
}

// EncodeBatch returns the tokens of every text. Where the file asks for padding
// to the longest, it is to the longest of them.
func (t *Tokenizer) EncodeBatch(texts []string, opts ...EncodeOption) ([]*Encoding, error) {
	o, out := newEncodeOptions(opts), make([]*Encoding, len(texts))
	var err error
	for i, text := range texts {
		if out[i], err = t.process([]string{text}, o); err != nil {
			return nil, err
		}
	}
	if t.pad != nil {
		t.pad.apply(out)
	}
	return out, nil
}

// single encodes one text, or a pair, with padding.
func (t *Tokenizer) single(texts []string, o encodeOptions) (*Encoding, error) {
	e, err := t.process(texts, o)
	if err == nil && t.pad != nil {
		t.pad.apply([]*Encoding{e})
	}
	return e, err
}

// process encodes one text, or a pair, without padding.
func (t *Tokenizer) process(texts []string, o encodeOptions) (*Encoding, error) {
	list := make([]*Encoding, len(texts))
	var err error
	for i, text := range texts {
		if list[i], err = t.sequence(text, int32(i), o); err != nil {
			return nil, err
		}
	}
	if t.truncate != nil {
		added := 0
		if t.post != nil && !o.plain {
			added = t.post.added(len(texts) == 2)
		}
		if err := t.truncate.apply(list, added); err != nil {
			return nil, err
		}
	}
	if t.post != nil {
		for i, e := range list {
			e.setType(int32(i))
		}
		if list, err = t.post.process(t, list, !o.plain); err != nil {
			return nil, err
		}
	}
	return joined(list), nil
}

// split is a piece before the model has seen it.
type split struct {
	passage
	added *addedToken // nil: text
}

// sequence encodes one text without anything around it.
func (t *Tokenizer) sequence(text string, typeID int32, o encodeOptions) (*Encoding, error) {
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	var splits []split
	e := encoder{t: t, sc: sc, options: o, take: func(c *pieces, at Span, added *addedToken) {
		splits = append(splits, split{c.part(at), added})
	}}
	if err := e.encode(validPassage(text)); err != nil {
		return nil, err
	}
	out := &Encoding{text: text}
	for word := range splits {
		if err := t.tokens(out, &splits[word], int32(word), sc); err != nil {
			return nil, err
		}
	}
	out.setType(typeID)
	return out, nil
}

// tokens appends the tokens of one split.
func (t *Tokenizer) tokens(out *Encoding, s *split, word int32, sc *scratch) (err error) {
	if s.added != nil {
		out.add(s.added.id, s.place(Span{0, len(s.s)}), word)
		return nil
	}
	if sc.tokens, err = t.model.appendTokens(sc.tokens[:0], s.s, sc); err != nil {
		return err
	}
	for _, tok := range sc.tokens {
		out.add(tok.id, s.place(tok.span), word)
	}
	return nil
}

// place returns where in the input a part of the passage comes from.
func (p *passage) place(at Span) Span {
	if at.Start >= at.End { // a token of no text
		start := p.start(0)
		return Span{start + at.Start, start + at.Start}
	}
	last := min(at.End, len(p.s)) - 1
	return Span{p.origin(min(at.Start, last)).Start, p.origin(last).End}
}
