package tokenizer

// EncodeOption changes how text is encoded.
type EncodeOption func(*encodeOptions)

type encodeOptions struct{ plain, noAdded bool }

// WithoutSpecialTokens leaves out the special tokens that the post-processor adds
// around a text. Chat templates write theirs themselves.
func WithoutSpecialTokens() EncodeOption { return func(o *encodeOptions) { o.plain = true } }

// WithSpecialTokensAsText takes special tokens that occur in the text for text, so
// that a user cannot write the end of a turn.
func WithSpecialTokensAsText() EncodeOption { return func(o *encodeOptions) { o.noAdded = true } }

// Encode returns the ids of text. Invalid UTF-8 counts as U+FFFD. The only error
// is a split pattern of the file that runs out of time.
func (t *Tokenizer) Encode(text string, opts ...EncodeOption) ([]int32, error) {
	return t.AppendEncode(make([]int32, 0, len(text)/4+4), text, opts...)
}

// AppendEncode appends the ids of text to dst, as Encode gives them.
func (t *Tokenizer) AppendEncode(dst []int32, text string, opts ...EncodeOption) ([]int32, error) {
	var o encodeOptions
	for _, opt := range opts {
		opt(&o)
	}
	var before, after []int32
	if t.process != nil && !o.plain {
		before, after = t.process.around()
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	e := encoder{t: t, sc: sc, dst: append(dst, before...), options: o}
	if err := e.text(validText(text)); err != nil {
		return dst, err
	}
	return append(e.dst, after...), nil
}

// Count returns the number of ids that Encode gives.
func (t *Tokenizer) Count(text string, opts ...EncodeOption) (int, error) {
	ids, err := t.Encode(text, opts...)
	return len(ids), err
}

// encoder is one Encode on its way.
type encoder struct {
	t       *Tokenizer
	sc      *scratch
	dst     []int32
	options encodeOptions
}

// text cuts out the added tokens that stand in the text as it came.
func (e *encoder) text(text string) error {
	return e.t.added.cut(&e.t.added.raw, text, func(part string, token int) error {
		if e.takes(token) {
			return nil
		}
		return e.part(part)
	})
}

// takes appends an added token, and reports false for text.
func (e *encoder) takes(token int) bool {
	if token < 0 || e.options.noAdded && e.t.added.tokens[token].special {
		return false
	}
	e.dst = append(e.dst, e.t.added.tokens[token].id)
	return true
}

// part normalizes a part and cuts out the added tokens that stand in it then.
func (e *encoder) part(text string) error {
	if e.t.normalize != nil {
		text = e.t.normalize.normalize(text)
	}
	return e.t.added.cut(&e.t.added.normal, text, func(part string, token int) error {
		if e.takes(token) {
			return nil
		}
		return e.plain(part)
	})
}

// plain splits text that holds no added token and runs the model on its pieces.
func (e *encoder) plain(text string) error {
	if e.t.split == nil {
		e.dst = e.t.model.appendIDs(e.dst, text, e.sc)
		return nil
	}
	pieces, err := e.t.split.split(e.sc.out[:0], text, e.sc)
	e.sc.out = pieces
	for _, piece := range pieces {
		e.dst = e.t.model.appendIDs(e.dst, piece, e.sc)
	}
	return err
}
