package tokenizer

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// byteFallback makes characters of the tokens <0x00> to <0xFF>. Of a run of them that is not valid UTF-8 every one becomes
// U+FFFD, so that nothing of a run can be passed on before its end.
type byteFallback struct{}

func (byteFallback) stage(next stage) stage { return &byteFallbackStage{next: next} }

type byteFallbackStage struct {
	gather
	next stage
	run  []byte
}

func (s *byteFallbackStage) write(part []byte, last bool) {
	token, ok := s.token(part, last)
	if !ok {
		return
	}
	if b, ok := byteToken(token); ok {
		s.run = append(s.run, b)
		return
	}
	s.flush()
	s.next.write(token, true)
}

// byteToken reads a token <0x41>.
func byteToken(token []byte) (byte, bool) {
	if len(token) != 6 || !bytes.HasPrefix(token, []byte("<0x")) || token[5] != '>' {
		return 0, false
	}
	digits := string(token[3:5])
	if digits[0] == '+' { // Rust reads a sign
		digits = digits[1:]
	}
	b, err := strconv.ParseUint(digits, 16, 8)
	return byte(b), err == nil && digits[0] != '_'
}

// flush passes on the run of bytes.
func (s *byteFallbackStage) flush() {
	if len(s.run) == 0 {
		return
	}
	if utf8.Valid(s.run) {
		s.next.write(s.run, true)
	} else {
		for range s.run {
			s.next.write([]byte(replacement), true)
		}
	}
	s.run = s.run[:0]
}

func (s *byteFallbackStage) close() {
	s.flush()
	s.next.close()
}

// stripDecoder takes up to start and stop of one character off the ends of each token.
type stripDecoder struct {
	content     string
	start, stop int
}

func readStripDecoder(f *fields, _ registry[decoder]) (decoder, error) {
	d := stripDecoder{f.string("content"), f.int("start"), f.int("stop")}
	if f.err == nil && utf8.RuneCountInString(d.content) != 1 {
		return nil, f.need("content").errorf("want one character, have %q", d.content)
	}
	return d, f.err
}

func (d stripDecoder) stage(next stage) stage {
	return &stripStage{stripDecoder: d, next: next, left: d.start}
}

// stripStage holds back only what might be at the end of its token.
type stripStage struct {
	stripDecoder
	next stage
	left int    // how many may still be taken off the start
	held int    // characters at the end of what has come that might be taken off
	out  []byte // a part with what was held back before it
}

func (s *stripStage) write(part []byte, last bool) {
	for s.left > 0 && len(part) > 0 {
		rest, ok := bytes.CutPrefix(part, []byte(s.content))
		if !ok {
			s.left = 0
			break
		}
		part = rest
		s.left--
	}
	s.out = s.out[:0]
	for range s.held {
		s.out = append(s.out, s.content...)
	}
	s.out = append(s.out, part...)
	end, held := len(s.out), 0
	for held < s.stop && bytes.HasSuffix(s.out[:end], []byte(s.content)) {
		end -= len(s.content)
		held++
	}
	s.held = held
	if last {
		s.held, s.left = 0, s.start
	}
	s.next.write(s.out[:end], last)
}

func (s *stripStage) close() { s.next.close() }

// suffixDecoder makes spaces of the mark that ends words, nothing at the end of the text.
type suffixDecoder string

func (d suffixDecoder) stage(next stage) stage { return &suffixStage{mark: []byte(d), next: next} }

// suffixStage is one token behind: which one is the last is known only then.
type suffixStage struct {
	gather
	mark  []byte
	next  stage
	held  []byte
	begun bool
}

func (s *suffixStage) write(part []byte, last bool) {
	if token, ok := s.token(part, last); ok {
		if s.begun {
			s.next.write(bytes.ReplaceAll(s.held, s.mark, []byte(" ")), true)
		}
		s.held, s.begun = append(s.held[:0], token...), true
	}
}

func (s *suffixStage) close() {
	if s.begun {
		s.next.write(bytes.ReplaceAll(s.held, s.mark, nil), true)
	}
	s.begun = false
	s.next.close()
}

// spaced puts spaces between tokens, which the reference does where a file
// names no decoder.
type spaced struct{}

func (spaced) stage(next stage) stage {
	begun := false
	return &eachStage{next: next, do: func(token []byte) ([]byte, bool) {
		if !begun {
			begun = true
			return token, true
		}
		return append([]byte{' '}, token...), true
	}}
}
