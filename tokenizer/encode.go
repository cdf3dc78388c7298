package tokenizer

// EncodeOption changes how text is encoded.
type EncodeOption func(*encodeOptions)

type encodeOptions struct{ plain, text bool }

// WithoutSpecialTokens leaves out the special tokens that the post-processor adds
// around a text. Chat templates write theirs themselves.
func WithoutSpecialTokens() EncodeOption { return func(o *encodeOptions) { o.plain = true } }

// WithSpecialTokensAsText takes special tokens that occur in the text for text, so
// that a user cannot write the end of a turn.
func WithSpecialTokensAsText() EncodeOption { return func(o *encodeOptions) { o.text = true } }

func newEncodeOptions(opts []EncodeOption) encodeOptions {
	if len(opts) == 0 {
		return encodeOptions{}
	}
	o := new(encodeOptions)
	for _, opt := range opts {
		opt(o)
	}
	return *o
}

// Encode returns the ids of text, truncated and padded as the file says. Invalid
// UTF-8 counts as U+FFFD, one for each maximal invalid part. An error is a
// character that the model knows nothing for, a split pattern that runs out of
// time, or a truncation that cannot be.
func (t *Tokenizer) Encode(text string, opts ...EncodeOption) ([]int32, error) {
	return t.AppendEncode(make([]int32, 0, len(text)/4+4), text, opts...)
}

// AppendEncode appends the ids of text to dst, as Encode gives them. Once it is
// warm it hardly allocates: the files of the large models need nothing for text
// in a normal form.
func (t *Tokenizer) AppendEncode(dst []int32, text string, opts ...EncodeOption) ([]int32, error) {
	o := newEncodeOptions(opts)
	if t.truncate != nil || t.pad != nil || !t.simple && !o.plain {
		e, err := t.EncodeFull(text, opts...)
		if err != nil {
			return dst, err
		}
		return append(dst, e.IDs...), nil
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	out := dst
	if !o.plain {
		out = append(out, t.before...)
	}
	e := encoder{t: t, sc: sc, options: o, ids: out}
	if err := e.encode(passage{s: validText(text), track: t.track, work: &sc.work}); err != nil {
		return dst, err
	}
	if o.plain {
		return e.ids, nil
	}
	return append(e.ids, t.after...), nil
}

// Count returns the number of ids that Encode gives.
func (t *Tokenizer) Count(text string, opts ...EncodeOption) (int, error) {
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	ids, err := t.AppendEncode(sc.counted[:0], text, opts...)
	sc.counted = ids
	return len(ids), err
}

// encoder is one text on its way to ids, or to pieces.
type encoder struct {
	t       *Tokenizer
	sc      *scratch
	options encodeOptions
	ids     []int32
	// take, where set, is given every piece, and every added token, instead.
	take func(p *pieces, at Span, added *addedToken)
}

// encode cuts out the added tokens that stand in the text as it came.
func (e *encoder) encode(p passage) error {
	a := e.t.added
	if a.raw.count == 0 {
		return e.section(p)
	}
	list := a.cut(e.sc.sections[0][:0], &a.raw, p.s, !e.options.text)
	e.sc.sections[0] = list
	for _, s := range list {
		part := p.part(s.Span)
		if s.token >= 0 {
			e.token(part, &a.tokens[s.token])
			continue
		}
		if err := e.section(part); err != nil {
			return err
		}
	}
	return nil
}

// section normalizes a part and cuts out the added tokens that stand in it then.
func (e *encoder) section(p passage) error {
	a := e.t.added
	if e.t.normalize != nil {
		var err error
		if p, err = e.normalized(p); err != nil {
			return err
		}
	}
	if a.normal.count == 0 {
		return e.split(p)
	}
	p.work = nil // writing one part anew twice would write over the next
	list := a.cut(e.sc.sections[1][:0], &a.normal, p.s, !e.options.text)
	e.sc.sections[1] = list
	for _, s := range list {
		part := p.part(s.Span)
		if s.token >= 0 {
			e.token(part, &a.tokens[s.token])
			continue
		}
		if err := e.split(part); err != nil {
			return err
		}
	}
	return nil
}

// normalized normalizes in the scratch: a passage of its own would be allocated.
func (e *encoder) normalized(p passage) (passage, error) {
	at := &e.sc.normal
	*at = p
	err := e.t.normalize.normalize(at)
	p, *at = *at, passage{}
	return p, err
}

// token takes an added token.
func (e *encoder) token(p passage, tok *addedToken) {
	if e.take != nil {
		e.take(&pieces{passage: p}, Span{0, len(p.s)}, tok)
		return
	}
	e.ids = append(e.ids, tok.id)
}

// split cuts text that holds no added token into pieces and runs the model on
// them.
func (e *encoder) split(p passage) error {
	if p.s == "" {
		return nil
	}
	c := &e.sc.current
	c.passage, c.list = p, append(c.list[:0], Span{0, len(p.s)})
	defer func() { c.passage = passage{} }() // the pool keeps no texts
	if e.t.split != nil {
		if err := e.t.split.split(c, e.sc); err != nil {
			return err
		}
	}
	for _, at := range c.list {
		if e.take != nil {
			e.take(c, at, nil)
			continue
		}
		var err error
		if e.ids, err = e.t.model.appendIDs(e.ids, c.s[at.Start:at.End], e.sc); err != nil {
			return err
		}
	}
	return nil
}
