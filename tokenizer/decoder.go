package tokenizer

// decoder turns the tokens of a vocabulary into the bytes that they stand for.
type decoder interface {
	// appendToken appends the bytes of a token; first is set for the first one.
	appendToken(dst []byte, token string, first bool) []byte
}

var decoders registry[decoder]

func init() {
	decoders = registry[decoder]{
		"ByteLevel": func(f *fields, _ registry[decoder]) (decoder, error) {
			f.skipByteLevel()
			return byteLevelDecoder{}, f.err
		},
	}
}

// byteLevelDecoder reads the byte-level alphabet.
type byteLevelDecoder struct{}

func (byteLevelDecoder) appendToken(dst []byte, token string, _ bool) []byte {
	return appendByteLevel(dst, token)
}

// spacedDecoder puts spaces between tokens, which the reference does where a file
// names no decoder.
type spacedDecoder struct{}

func (spacedDecoder) appendToken(dst []byte, token string, first bool) []byte {
	if !first {
		dst = append(dst, ' ')
	}
	return append(dst, token...)
}

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
	return string(appendValid(make([]byte, 0, len(d.pending)), d.pending))
}

// Decoder decodes a stream of ids to whole characters: Next holds back the bytes
// of one that is not complete yet. All the texts together are what Decode gives.
type Decoder struct {
	t       *Tokenizer
	skip    bool
	begun   bool
	pending []byte
}

// NewDecoder starts a stream.
func (t *Tokenizer) NewDecoder(opts ...DecodeOption) *Decoder {
	d := &Decoder{t: t}
	for _, o := range opts {
		o(d)
	}
	return d
}

// add appends the bytes of id.
func (d *Decoder) add(id int32) {
	token, ok := d.t.Token(id)
	if !ok || d.skip && d.t.IsSpecial(id) {
		return
	}
	d.pending = d.t.decode.appendToken(d.pending, token, !d.begun)
	d.begun = true
}

// Next takes the next id and returns the characters that are complete with it.
func (d *Decoder) Next(id int32) string {
	d.add(id)
	whole := len(d.pending) - incomplete(d.pending)
	text := string(appendValid(nil, d.pending[:whole]))
	d.pending = append(d.pending[:0], d.pending[whole:]...)
	return text
}

// Flush ends the stream and returns what Next held back, as U+FFFD.
func (d *Decoder) Flush() string {
	text := string(appendValid(nil, d.pending))
	d.pending = d.pending[:0]
	return text
}
