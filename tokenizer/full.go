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
	tokens, err := t.tokens(splits, typeID, sc)
	if err != nil {
		return nil, err
	}
	out := &Encoding{text: text}
	word, next := int32(0), 0
	for _, n := range tokens.counts {
		p := &splits[tokens.first+int(word)]
		for _, tok := range tokens.list[next : next+n] {
			out.add(tok.id, p.place(tok.span), word)
		}
		next += n
		word++
	}
	out.setType(typeID)
	return out, nil
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

// tokenized are the tokens of some of the splits, from first on.
type tokenized struct {
	first  int
	counts []int // of tokens, for each split
	list   []token
}

// tokens runs the model on the splits. Where the text is to be truncated it stops when there are enough tokens, as the
// reference does.
func (t *Tokenizer) tokens(splits []split, typeID int32, sc *scratch) (tokenized, error) {
	limit := -1
	if t.truncate != nil && (t.truncate.strategy != "OnlySecond" || typeID != 0) {
		limit = t.truncate.length
	}
	if limit >= 0 && t.truncate.left {
		return t.lastTokens(splits, limit, sc)
	}
	var out tokenized
	for i := range splits {
		before := len(out.list)
		full, err := t.tokensOf(&out, &splits[i], sc)
		if err != nil {
			return out, err
		}
		out.counts = append(out.counts, len(out.list)-before)
		if full && limit >= 0 && len(out.list) >= limit {
			break
		}
	}
	return out, nil
}

// lastTokens is tokens from the end of the text.
func (t *Tokenizer) lastTokens(splits []split, limit int, sc *scratch) (tokenized, error) {
	total, first := 0, len(splits)
	var parts []tokenized
	for first > 0 {
		first--
		var part tokenized
		full, err := t.tokensOf(&part, &splits[first], sc)
		if err != nil {
			return part, err
		}
		parts = append(parts, part)
		if total += len(part.list); full && total >= limit {
			break
		}
	}
	out := tokenized{first: first}
	for i := len(parts) - 1; i >= 0; i-- {
		out.counts = append(out.counts, len(parts[i].list))
		out.list = append(out.list, parts[i].list...)
	}
	return out, nil
}

// tokensOf appends the tokens of one split, and reports whether the model made them.
func (t *Tokenizer) tokensOf(out *tokenized, s *split, sc *scratch) (bool, error) {
	if s.added != nil {
		out.list = append(out.list, token{s.added.id, Span{0, len(s.s)}})
		return false, nil
	}
	var err error
	out.list, err = t.model.appendTokens(out.list, s.s, sc)
	return true, err
}
