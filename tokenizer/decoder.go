package tokenizer

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"
)

// decoder makes text of the tokens of a vocabulary.
type decoder interface {
	// stage starts a stream whose text goes to next.
	stage(next stage) stage
}

// stage is one decoder at work on a stream. Tokens come in parts, since some decoders make one token of all that they see,
// long before they know its end.
type stage interface {
	// write takes a part of a token, last with its last one. The part is only valid until write returns.
	write(part []byte, last bool)
	// close ends the stream.
	close()
}

var decoders registry[decoder]

func init() {
	decoders = registry[decoder]{
		"ByteLevel": func(f *fields, _ registry[decoder]) (decoder, error) {
			for _, key := range []string{"add_prefix_space", "trim_offsets", "use_regex"} { // which change nothing here
				f.boolOr(key, true)
			}
			return byteLevelDecoder{}, f.err
		},
		"ByteFallback": always[decoder](byteFallback{}),
		"Fuse":         always[decoder](fuse{}),
		"Strip":        readStripDecoder,
		"Replace": func(f *fields, _ registry[decoder]) (decoder, error) {
			p, err := readPattern(f, "pattern")
			return replaceDecoder{p, f.string("content")}, cmp.Or(err, f.err)
		},
		"Metaspace": func(f *fields, _ registry[decoder]) (decoder, error) {
			mark, scheme, err := readMark(f)
			f.boolOr("split", true) // the pre-tokenizer's
			return metaspaceDecoder{mark, scheme != prependNever}, err
		},
		"WordPiece": func(f *fields, _ registry[decoder]) (decoder, error) {
			return wordPieceDecoder{f.stringOr("prefix", "##"), f.boolOr("cleanup", true)}, f.err
		},
		"BPEDecoder": func(f *fields, _ registry[decoder]) (decoder, error) {
			return suffixDecoder(f.stringOr("suffix", "</w>")), f.err
		},
		"CTC": func(f *fields, _ registry[decoder]) (decoder, error) {
			return ctcDecoder{
				f.stringOr("pad_token", "<pad>"), f.stringOr("word_delimiter_token", "|"), f.boolOr("cleanup", true),
			}, f.err
		},
		"Sequence": func(f *fields, r registry[decoder]) (decoder, error) {
			list, err := r.buildAll(f, "decoders")
			return decoderSequence(list), err
		},
	}
}

type decoderSequence []decoder

func (s decoderSequence) stage(next stage) stage {
	for i := len(s) - 1; i >= 0; i-- {
		next = s[i].stage(next)
	}
	return next
}

// sink is the end of all stages: it collects the text.
type sink struct{ text []byte }

func (s *sink) write(part []byte, _ bool) { s.text = append(s.text, part...) }
func (s *sink) close()                    {}

// byteLevelDecoder reads the byte-level alphabet. All tokens together are one text.
type byteLevelDecoder struct{}

func (byteLevelDecoder) stage(next stage) stage { return &byteLevelStage{joiner: joiner{next: next}} }

// joiner passes bytes on as the characters that they are, holding back those of one that is not complete.
type joiner struct {
	next    stage
	pending []byte
	out     []byte
}

// pass passes on what is complete; invalid parts become U+FFFD.
func (j *joiner) pass() {
	whole := len(j.pending) - incomplete(j.pending)
	if whole == 0 {
		return
	}
	if utf8.Valid(j.pending[:whole]) {
		j.next.write(j.pending[:whole], false)
	} else {
		j.out = appendValid(j.out[:0], j.pending[:whole])
		j.next.write(j.out, false)
	}
	j.pending = append(j.pending[:0], j.pending[whole:]...)
}

// close passes on the rest.
func (j *joiner) close() {
	j.next.write(appendValid(nil, j.pending), true)
	j.pending = j.pending[:0]
	j.next.close()
}

type byteLevelStage struct {
	joiner
	gather
}

func (s *byteLevelStage) write(part []byte, last bool) {
	if token, ok := s.token(part, last); ok {
		s.pending = appendByteLevel(s.pending, token)
		s.pass()
	}
}

// gather puts the parts of tokens together.
type gather struct{ parts []byte }

// token returns the token that a part ends, which is valid until the next call.
func (g *gather) token(part []byte, last bool) ([]byte, bool) {
	switch {
	case last && len(g.parts) == 0:
		return part, true
	case !last:
		g.parts = append(g.parts, part...)
		return nil, false
	}
	all := append(g.parts, part...)
	g.parts = all[:0]
	return all, true
}

// fuse makes one token of all.
type fuse struct{}

func (fuse) stage(next stage) stage { return &fuseStage{next} }

type fuseStage struct{ next stage }

func (s *fuseStage) write(part []byte, _ bool) { s.next.write(part, false) }
func (s *fuseStage) close()                    { s.next.write(nil, true); s.next.close() }

// eachStage rewrites tokens one by one; do returns false for one that is to vanish.
type eachStage struct {
	gather
	next stage
	do   func(token []byte) ([]byte, bool)
}

func (s *eachStage) write(part []byte, last bool) {
	if token, ok := s.token(part, last); ok {
		if token, ok = s.do(token); ok {
			s.next.write(token, true)
		}
	}
}

func (s *eachStage) close() { s.next.close() }

// replaceDecoder puts text in the place of what a pattern matches.
type replaceDecoder struct {
	pattern pattern
	content string
}

func (d replaceDecoder) stage(next stage) stage {
	old, isLiteral := d.pattern.(literal)
	var buf []byte
	var found []match
	return &eachStage{next: next, do: func(token []byte) ([]byte, bool) {
		if isLiteral && !bytes.Contains(token, []byte(old)) {
			return token, true
		}
		text := string(token)
		var err error
		if found, err = d.pattern.matches(found[:0], text); err != nil { // out of time: the token stays as it is
			return token, true
		}
		buf = buf[:0]
		for _, m := range found {
			if m.hit {
				buf = append(buf, d.content...)
			} else {
				buf = append(buf, text[m.start:m.end]...)
			}
		}
		return buf, true
	}}
}

// metaspaceDecoder makes spaces of marks. Those of the first token go, where the pre-tokenizer put one there.
type metaspaceDecoder struct {
	mark  string
	strip bool
}

func (d metaspaceDecoder) stage(next stage) stage {
	first := d.strip
	return &eachStage{next: next, do: func(token []byte) ([]byte, bool) {
		to := " "
		if first {
			to, first = "", false
		}
		if !bytes.Contains(token, []byte(d.mark)) {
			return token, true
		}
		return bytes.ReplaceAll(token, []byte(d.mark), []byte(to)), true
	}}
}

// wordPieceDecoder joins the pieces of words and puts spaces between words.
type wordPieceDecoder struct {
	prefix  string
	cleanup bool
}

func (d wordPieceDecoder) stage(next stage) stage {
	begun := false
	return &eachStage{next: next, do: func(token []byte) ([]byte, bool) {
		text := string(token)
		if begun {
			if rest, ok := strings.CutPrefix(text, d.prefix); ok {
				text = rest
			} else {
				text = " " + text
			}
		}
		begun = true
		if d.cleanup {
			text = cleanup(text)
		}
		return []byte(text), true
	}}
}

// cleanup takes out the spaces that an English tokenizer put in.
func cleanup(text string) string {
	for _, pair := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

// ctcDecoder drops tokens that repeat the one before, and padding.
type ctcDecoder struct {
	pad, delimiter string
	cleanup        bool
}

func (d ctcDecoder) stage(next stage) stage {
	before, begun := "", false
	return &eachStage{next: next, do: func(token []byte) ([]byte, bool) {
		text := string(token)
		if begun && text == before {
			return nil, false
		}
		before, begun = text, true
		text = strings.ReplaceAll(text, d.pad, "")
		if d.cleanup {
			text = strings.ReplaceAll(cleanup(text), d.delimiter, " ")
		}
		return []byte(text), text != ""
	}}
}
