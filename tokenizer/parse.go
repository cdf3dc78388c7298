package tokenizer

import "fmt"

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
	bpe, err := file.build()
	if err != nil {
		return nil, err
	}
	t = &Tokenizer{model: bpe}
	if t.normalize, err = normalizers.build(parts["normalizer"]); err != nil {
		return nil, err
	}
	if t.split, err = preTokenizers.build(parts["pre_tokenizer"]); err != nil {
		return nil, err
	}
	if t.process, err = processors.build(parts["post_processor"]); err != nil {
		return nil, err
	}
	if t.decode, err = decoders.build(parts["decoder"]); err != nil {
		return nil, err
	}
	if t.decode == nil {
		t.decode = spacedDecoder{}
	}
	if t.added, err = readAdded(parts["added_tokens"], bpe.vocab, t.normalize); err != nil {
		return nil, err
	}
	if err := refuseSet(parts, "truncation", "padding"); err != nil {
		return nil, err
	}
	useBytes(t.split, bpe)
	return t, nil
}

var knownParts = map[string]bool{
	"version": true, "truncation": true, "padding": true, "added_tokens": true,
	"normalizer": true, "pre_tokenizer": true, "post_processor": true, "decoder": true,
}

// refuseSet refuses parts that would change the ids and that this package does
// not carry out.
func refuseSet(parts map[string]*node, keys ...string) error {
	for _, key := range keys {
		if n := parts[key]; n != nil && !n.isNull() {
			return n.errorf("not supported, set it to null")
		}
	}
	return nil
}

// modelFile is the member model of a tokenizer.json.
type modelFile struct {
	options node // all but vocabulary and merges
	vocab   vocabBuilder
	has     bool // the vocabulary
	merges  [][2]string
}

// model reads the member model.
func (r *jsonReader) model() *modelFile {
	m := &modelFile{options: node{path: ".model", kind: '{'}}
	seen := make(map[string]bool)
	r.object(func(key string) {
		if seen[key] {
			r.fail("given twice")
		}
		seen[key] = true
		switch {
		case key == "vocab" && r.peek() == '{':
			m.has = true
			r.members(func(token string) { m.vocab.add(token, r.id()) })
		case key == "merges" && r.peek() == '[':
			r.elements(func(i int) { m.merges = append(m.merges, r.merge(i)) })
		case key == "vocab" || key == "merges":
			r.skip()
		default:
			m.options.keys = append(m.options.keys, key)
			m.options.values = append(m.options.values, r.node())
		}
	})
	return m
}

// merge reads one merge in either notation: "a b" or ["a", "b"].
func (r *jsonReader) merge(i int) (pair [2]string) {
	if r.peek() == '"' {
		text := r.string()
		left, right, ok := cutMerge(text)
		if !ok && r.err == nil {
			r.fail("[%d]: %q is not two tokens with a space between", i, text)
		}
		return [2]string{left, right}
	}
	n := 0
	r.elements(func(k int) {
		text := r.string()
		if n++; k < 2 {
			pair[k] = text
		}
	})
	if n != 2 && r.err == nil {
		r.fail("[%d]: %d tokens, want 2", i, n)
	}
	return pair
}

// build makes the model.
func (m *modelFile) build() (*bpe, error) {
	f := m.options.fields()
	if kind := f.stringOr("type", "BPE"); kind != "BPE" && f.err == nil {
		return nil, f.need("type").errorf("unknown type %q (known: BPE)", kind)
	}
	if p := f.get("dropout"); p != nil && (p.kind != '0' || p.text != "0" && p.text != "0.0") {
		return nil, p.errorf("want 0 or null, have %s", p.describe())
	}
	cfg := bpeConfig{
		unk: f.stringOr("unk_token", ""), hasUnk: f.get("unk_token") != nil,
		fuseUnk: f.boolOr("fuse_unk", false), byteFallback: f.boolOr("byte_fallback", false),
		ignoreMerges: f.boolOr("ignore_merges", false),
		prefix:       f.stringOr("continuing_subword_prefix", ""), suffix: f.stringOr("end_of_word_suffix", ""),
	}
	if err := f.close(); err != nil {
		return nil, err
	}
	if !m.has {
		return nil, &pathError{path: "model.vocab", msg: "missing, or not an object"}
	}
	v, err := m.vocab.build(func(int, string) string { return "model.vocab" })
	if err != nil {
		return nil, err
	}
	pairs, err := newMerges(v, m.merges, cfg.prefix)
	if err != nil {
		return nil, fmt.Errorf("model.merges%w", err)
	}
	b, err := newBPE(v, pairs, cfg)
	if err != nil {
		return nil, fmt.Errorf("model.unk_token: %w", err)
	}
	return b, nil
}
