package tokenizer

import "errors"

// processor adds the special tokens of a model to the encodings of one text, or of two.
type processor interface {
	// added returns how many tokens the processor adds to one text, or to a pair.
	added(pair bool) int
	// process returns the encodings that make up the result, one after the other. It may change those that it is given.
	process(t *Tokenizer, list []*Encoding, special bool) ([]*Encoding, error)
}

var processors registry[processor]

func init() {
	processors = registry[processor]{
		"ByteLevel": func(f *fields, _ registry[processor]) (processor, error) {
			p := trimming{prefixSpace: f.boolOr("add_prefix_space", true), trim: f.boolOr("trim_offsets", true)}
			f.boolOr("use_regex", true) // the pre-tokenizer's
			return p, f.err
		},
		"TemplateProcessing": readTemplates,
		"BertProcessing": func(f *fields, _ registry[processor]) (processor, error) {
			cls, sep := f.marker("cls"), f.marker("sep")
			return bertProcessing(cls, sep, 1, false), f.err
		},
		"RobertaProcessing": func(f *fields, _ registry[processor]) (processor, error) {
			cls, sep := f.marker("cls"), f.marker("sep")
			trim := trimming{prefixSpace: f.boolOr("add_prefix_space", true), trim: f.boolOr("trim_offsets", true)}
			return processorSequence{trim, bertProcessing(cls, sep, 0, true)}, f.err
		},
		"Sequence": func(f *fields, r registry[processor]) (processor, error) {
			list, err := r.buildAll(f, "processors")
			return processorSequence(list), err
		},
	}
}

// marker reads a token with its id: ["[SEP]", 102].
func (f *fields) marker(key string) int32 {
	list := f.list(key)
	if f.err != nil {
		return 0
	}
	if len(list) != 2 || list[0].kind != '"' || list[1].kind != '0' {
		f.fail(f.need(key).errorf("want a token and its id"))
		return 0
	}
	id, err := parseID(list[1].text)
	if err != nil {
		f.fail(list[1].errorf("%v", err))
	}
	return id
}

type processorSequence []processor

func (s processorSequence) added(pair bool) int {
	n := 0
	for _, p := range s {
		n += p.added(pair)
	}
	return n
}

func (s processorSequence) process(t *Tokenizer, list []*Encoding, special bool) ([]*Encoding, error) {
	var err error
	for _, p := range s {
		if list, err = p.process(t, list, special); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// trimming takes spaces off the offsets of tokens.
type trimming struct{ prefixSpace, trim bool }

func (trimming) added(bool) int { return 0 }

func (p trimming) process(t *Tokenizer, list []*Encoding, _ bool) ([]*Encoding, error) {
	if !p.trim {
		return list, nil
	}
	for _, e := range list {
		p.offsets(t, e)
		for _, o := range e.Overflow {
			p.offsets(t, o)
		}
	}
	return list, nil
}

// piece is a part of a template: a text, or tokens.
type piece struct {
	text   int     // 0 or 1; -1: tokens
	ids    []int32 // of the tokens
	typeID int32
}

// templates writes texts and tokens as two templates say: one for a text, one for a pair.
type templates struct {
	single, pair []piece
	flat         bool // what overflows gets types too
}

// bertProcessing is [CLS] A [SEP] B [SEP], or, doubled, [CLS] A [SEP] [SEP] B [SEP].
func bertProcessing(cls, sep, second int32, doubled bool) processor {
	mark := func(id, typeID int32) piece { return piece{-1, []int32{id}, typeID} }
	t := templates{single: []piece{mark(cls, 0), {0, nil, 0}, mark(sep, 0)}, flat: doubled}
	t.pair = append(t.pair, t.single...)
	if doubled {
		t.pair = append(t.pair, mark(sep, second))
	}
	t.pair = append(t.pair, piece{1, nil, second}, mark(sep, second))
	return t
}

func (t templates) added(pair bool) int {
	n := 0
	for _, p := range t.of(pair) {
		n += len(p.ids)
	}
	return n
}

func (t templates) of(pair bool) []piece {
	if pair {
		return t.pair
	}
	return t.single
}

var errTwice = errors.New("tokenizer: post_processor: a template over the result of another")

func (t templates) process(_ *Tokenizer, list []*Encoding, special bool) ([]*Encoding, error) {
	if len(list) > 2 {
		return nil, errTwice
	}
	var out []*Encoding
	for _, p := range t.of(len(list) == 2) {
		switch {
		case p.text >= len(list):
			return nil, errTwice
		case p.text >= 0:
			list[p.text].setType(p.typeID)
			for _, over := range list[p.text].Overflow {
				if t.flat && special {
					over.setType(p.typeID)
				}
			}
			out = append(out, list[p.text].clone())
		case special:
			out = append(out, fill(p.ids, p.typeID, 1))
		}
	}
	return out, nil
}
