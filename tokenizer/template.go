package tokenizer

// readTemplates reads a TemplateProcessing.
func readTemplates(f *fields, _ registry[processor]) (processor, error) {
	ids, err := readTemplateTokens(f)
	if err != nil {
		return nil, err
	}
	var t templates
	if t.single, err = readTemplate(f, "single", ids, 1); err != nil {
		return nil, err
	}
	t.pair, err = readTemplate(f, "pair", ids, 2)
	return t, err
}

// readTemplate reads a template over so many texts.
func readTemplate(f *fields, key string, ids map[string][]int32, texts int) ([]piece, error) {
	list := f.list(key)
	if f.err != nil {
		return nil, f.err
	}
	out := make([]piece, len(list))
	for i := range list {
		item := list[i].fields()
		kind := "SpecialToken"
		if item.get(kind) == nil {
			kind = "Sequence"
		}
		n := item.need(kind)
		if err := item.close(); err != nil {
			return nil, err
		}
		in := n.fields()
		name, p := in.string("id"), piece{text: -1, typeID: in.id("type_id")}
		if err := in.close(); err != nil {
			return nil, err
		}
		var known bool
		if kind == "SpecialToken" {
			p.ids, known = ids[name]
		} else {
			p.text = map[string]int{"A": 0, "B": 1}[name]
			known = name == "A" || name == "B" && texts == 2
		}
		if !known {
			return nil, n.errorf("%s %q is not known here", kind, name)
		}
		out[i] = p
	}
	return out, nil
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
