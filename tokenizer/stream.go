package tokenizer

// DecodeOption changes how ids are decoded.
type DecodeOption func(*Decoder)

// SkipSpecialTokens leaves special tokens out of the text.
func SkipSpecialTokens() DecodeOption { return func(d *Decoder) { d.skip = true } }

// Decode returns the text of ids. Bytes that are not valid UTF-8 become U+FFFD,
// and ids that are no token are left out.
func (t *Tokenizer) Decode(ids []int32, opts ...DecodeOption) string {
	d := t.NewDecoder(opts...)
	for _, id := range ids {
		d.add(id)
	}
	d.stage.close()
	return string(d.sink.text)
}

// Decoder decodes a stream of ids to whole characters: Next holds back what may
// still change, such as the bytes of a character that is not complete yet. All
// the texts together are what Decode gives.
type Decoder struct {
	t     *Tokenizer
	skip  bool
	stage stage
	sink  sink
	token []byte
}

// NewDecoder starts a stream.
func (t *Tokenizer) NewDecoder(opts ...DecodeOption) *Decoder {
	d := &Decoder{t: t}
	for _, o := range opts {
		o(d)
	}
	d.stage = t.decode.stage(&d.sink)
	return d
}

// add passes a token to the decoders.
func (d *Decoder) add(id int32) {
	text, ok := d.t.shown(id)
	if !ok || d.skip && d.t.added.special[text] {
		return
	}
	d.token = append(d.token[:0], text...)
	d.stage.write(d.token, true)
}

// Next takes the next id and returns the characters that are certain with it.
func (d *Decoder) Next(id int32) string {
	d.add(id)
	return d.take()
}

// take returns what the decoders have passed on.
func (d *Decoder) take() string {
	text := string(d.sink.text)
	d.sink.text = d.sink.text[:0]
	return text
}

// Flush ends the stream and returns what Next held back, invalid parts as
// U+FFFD. After it a new stream begins.
func (d *Decoder) Flush() string {
	d.stage.close()
	text := d.take()
	d.stage = d.t.decode.stage(&d.sink)
	return text
}
