package tokenizer

import "strings"

// preTokenizer splits text into the pieces that the model sees one by one.
type preTokenizer interface {
	// split appends the pieces of text to dst; none is empty.
	split(dst []string, text string, sc *scratch) ([]string, error)
}

var preTokenizers registry[preTokenizer]

func init() {
	preTokenizers = registry[preTokenizer]{
		"ByteLevel": readByteLevel,
		"Split":     readSplit,
		"Digits": func(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
			b := contiguous
			if f.boolOr("individual_digits", false) {
				b = isolated
			}
			return splitter{pattern: classPattern{numeric, classes()}, behavior: b}, f.err
		},
		"Sequence": func(f *fields, r registry[preTokenizer]) (preTokenizer, error) {
			list, err := r.buildAll(f, "pretokenizers")
			return flat(list), err
		},
	}
}

type preTokenizerSequence []preTokenizer

// flat puts the members of inner sequences in their places.
func flat(list []preTokenizer) preTokenizerSequence {
	var out preTokenizerSequence
	for _, p := range list {
		if inner, ok := p.(preTokenizerSequence); ok {
			out = append(out, inner...)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (s preTokenizerSequence) split(dst []string, text string, sc *scratch) ([]string, error) {
	if len(s) == 0 {
		return append(dst, text), nil
	}
	from, to := &sc.pieces[0], &sc.pieces[1]
	*from = append((*from)[:0], text)
	for i, p := range s {
		out := (*to)[:0]
		if i == len(s)-1 {
			out = dst
		}
		for _, piece := range *from {
			var err error
			if out, err = p.split(out, piece, sc); err != nil {
				return dst, err
			}
		}
		if i == len(s)-1 {
			return out, nil
		}
		*to = out
		from, to = to, from
	}
	return dst, nil
}

// byteLevel makes every byte a character of the byte-level alphabet, after
// splitting as GPT-2 does where it has a pattern.
type byteLevel struct {
	prefixSpace bool
	pattern     pattern // nil: no splitting
	raw         bool    // the model takes the bytes as they are
}

func readByteLevel(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	b := &byteLevel{prefixSpace: f.boolOr("add_prefix_space", true)}
	f.boolOr("trim_offsets", true) // of no consequence for ids
	if f.boolOr("use_regex", true) {
		b.pattern = scanPattern{scanGPT2, classes()}
	}
	return b, f.err
}

// skipByteLevel reads the options that every ByteLevel has, where they change
// nothing: offsets are not kept, and decoding is the same with all of them.
func (f *fields) skipByteLevel() {
	for _, key := range []string{"add_prefix_space", "trim_offsets", "use_regex"} {
		f.boolOr(key, true)
	}
}

func (b *byteLevel) split(dst []string, text string, sc *scratch) ([]string, error) {
	if b.prefixSpace && !strings.HasPrefix(text, " ") {
		text = " " + text
	}
	start := len(dst)
	if b.pattern == nil {
		dst = append(dst, text)
	} else {
		var err error
		if dst, err = (splitter{pattern: b.pattern, behavior: isolated}).split(dst, text, sc); err != nil {
			return dst, err
		}
	}
	for i := start; i < len(dst) && !b.raw; i++ {
		dst[i] = byteLevelText(dst[i])
	}
	return dst, nil
}

// useBytes lets the model take raw bytes where the last pre-tokenizer writes them
// in the byte-level alphabet, and nothing before it does.
func useBytes(p preTokenizer, m *bpe) {
	list, ok := p.(preTokenizerSequence)
	if !ok {
		list = preTokenizerSequence{p}
	}
	for i, p := range list {
		if b, ok := p.(*byteLevel); ok {
			b.raw = i == len(list)-1 && m.useBytes()
			return
		}
	}
}
