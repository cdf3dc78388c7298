package tokenizer

// parse reads a tokenizer.json.
func parse(src string) (*Tokenizer, error) {
	r := newJSONReader(src)
	parts := make(map[string]*node)
	var m *modelFile
	r.object(func(key string) {
		if parts[key] != nil || key == "model" && m != nil {
			r.fail("given twice")
			return
		}
		if key == "model" {
			m = r.model()
			return
		}
		n := r.node()
		parts[key] = &n
	})
	r.end()
	if r.err != nil {
		return nil, r.err
	}
	if m == nil {
		return nil, &pathError{path: "model", msg: "missing"}
	}
	return assemble(parts, m)
}

// assemble builds a tokenizer of the parts of a file.
func assemble(parts map[string]*node, file *modelFile) (t *Tokenizer, err error) {
	for key, n := range parts {
		if !knownParts[key] {
			return nil, n.errorf("unknown option")
		}
	}
	m, err := file.build()
	if err != nil {
		return nil, err
	}
	t = &Tokenizer{model: m}
	if t.normalize, err = normalizers.build(parts["normalizer"]); err != nil {
		return nil, err
	}
	if t.split, err = preTokenizers.build(parts["pre_tokenizer"]); err != nil {
		return nil, err
	}
	if t.post, err = processors.build(parts["post_processor"]); err != nil {
		return nil, err
	}
	if t.decode, err = decoders.build(parts["decoder"]); err != nil {
		return nil, err
	}
	if t.decode == nil {
		t.decode = spaced{}
	}
	if t.added, err = readAdded(parts["added_tokens"], m.vocabulary(), t.normalize); err != nil {
		return nil, err
	}
	if t.truncate, err = readTruncation(parts["truncation"]); err != nil {
		return nil, err
	}
	if t.pad, err = readPadding(parts["padding"]); err != nil {
		return nil, err
	}
	return t, t.finish()
}

var knownParts = map[string]bool{
	"version": true, "truncation": true, "padding": true, "added_tokens": true,
	"normalizer": true, "pre_tokenizer": true, "post_processor": true, "decoder": true,
}
