package tokenizer

// processor adds the special tokens of a model around the ids of a text.
type processor interface {
	// around returns the ids before and after a text.
	around() (before, after []int32)
}

var processors registry[processor]

func init() {
	processors = registry[processor]{
		"ByteLevel": func(f *fields, _ registry[processor]) (processor, error) {
			f.skipByteLevel()
			return surround{}, f.err
		},
		"TemplateProcessing": readTemplateProcessing,
		"Sequence": func(f *fields, r registry[processor]) (processor, error) {
			list, err := r.buildAll(f, "processors")
			return newProcessorSequence(list), err
		},
	}
}

// surround is a processor that is just its ids.
type surround struct{ before, after []int32 }

func (s surround) around() (before, after []int32) { return s.before, s.after }

// newProcessorSequence puts the ids of each processor outside those of the ones
// before it.
func newProcessorSequence(list []processor) processor {
	var all surround
	for _, p := range list {
		before, after := p.around()
		all.before = append(append([]int32{}, before...), all.before...)
		all.after = append(all.after, after...)
	}
	return all
}

// readTemplateProcessing reads the template for a single text; the one for pairs
// is checked for its form only.
func readTemplateProcessing(f *fields, _ registry[processor]) (processor, error) {
	ids, err := readTemplateTokens(f)
	if err != nil {
		return nil, err
	}
	f.list("pair")
	var p surround
	seen := false
	list := f.list("single")
	for i := range list {
		item := list[i].fields()
		if tok := item.get("SpecialToken"); tok != nil {
			t := tok.fields()
			name := t.string("id")
			t.int("type_id")
			if err := t.close(); err != nil {
				return nil, err
			}
			known, ok := ids[name]
			if !ok {
				return nil, tok.errorf("token %q is not in special_tokens", name)
			}
			if seen {
				p.after = append(p.after, known...)
			} else {
				p.before = append(p.before, known...)
			}
		} else {
			seq := item.need("Sequence")
			if item.err == nil && seen {
				return nil, seq.errorf("a second text in the template for one")
			}
			seen = true
		}
		if err := item.close(); err != nil {
			return nil, err
		}
	}
	if f.err == nil && !seen {
		return nil, f.need("single").errorf("the text itself is missing")
	}
	return p, f.err
}

// readTemplateTokens reads the member special_tokens: name -> ids.
func readTemplateTokens(f *fields) (map[string][]int32, error) {
	ids := make(map[string][]int32)
	n := f.get("special_tokens")
	if n == nil {
		return ids, f.err
	}
	if n.kind != '{' {
		return nil, n.errorf("want an object, have %s", n.describe())
	}
	for i, name := range n.keys {
		t := n.values[i].fields()
		t.string("id")
		t.list("tokens")
		list := t.list("ids")
		for k := range list {
			if list[k].kind != '0' {
				return nil, list[k].errorf("want a number, have %s", list[k].describe())
			}
			id, err := parseID(list[k].text)
			if err != nil {
				return nil, list[k].errorf("%v", err)
			}
			ids[name] = append(ids[name], id)
		}
		if err := t.close(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
