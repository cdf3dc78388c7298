package tokenizer

import (
	"fmt"
)

// modelFile is the member model of a tokenizer.json.
type modelFile struct {
	options node // all but vocabulary and merges
	vocab   vocabBuilder
	has     bool // the vocabulary
	listed  bool // the vocabulary is an array with scores
	scores  []float64
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
		case key == "vocab" && r.peek() == '[':
			m.has, m.listed = true, true
			r.elements(func(int) { r.score(m) })
		case key == "merges" && r.peek() == '[':
			m.merges = make([][2]string, 0, (len(r.src)-r.pos)/48)
			r.elements(func(i int) { m.merges = append(m.merges, r.merge(i)) })
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

// score reads one entry of a Unigram vocabulary: ["token", score].
func (r *jsonReader) score(m *modelFile) {
	n := 0
	r.elements(func(k int) {
		switch n++; k {
		case 0:
			m.vocab.add(r.string(), int32(len(m.scores)))
		case 1:
			score, err := parseScore(r.number())
			if err != nil && r.err == nil {
				r.fail("%v", err)
			}
			m.scores = append(m.scores, score)
		default:
			r.skip()
		}
	})
	if n != 2 && r.err == nil {
		r.fail("[%d]: %d values, want a token and a score", len(m.scores), n)
	}
}

// models builds models by the name of their type.
var models = map[string]func(m *modelFile, f *fields) (model, error){
	"BPE": (*modelFile).bpe, "Unigram": (*modelFile).unigram, "WordPiece": (*modelFile).wordPiece,
	"WordLevel": (*modelFile).wordLevel,
}

// build makes the model.
func (m *modelFile) build() (model, error) {
	f := m.options.fields()
	kind := f.stringOr("type", m.guess(f))
	if f.err != nil {
		return nil, f.err
	}
	make, ok := models[kind]
	if !ok {
		return nil, f.need("type").errorf("unknown type %q (known: BPE, Unigram, WordLevel, WordPiece)", kind)
	}
	return make(m, f)
}

// guess names the type of a model that old files leave out.
func (m *modelFile) guess(f *fields) string {
	switch {
	case m.listed:
		return "Unigram"
	case m.merges != nil:
		return "BPE"
	case f.get("continuing_subword_prefix") != nil:
		return "WordPiece"
	}
	return "WordLevel"
}

// words builds the vocabulary, which must have the form of the model.
func (m *modelFile) words(listed bool) (*vocab, error) {
	switch {
	case !m.has:
		return nil, &pathError{path: "model.vocab", msg: "missing"}
	case listed && !m.listed:
		return nil, &pathError{path: "model.vocab", msg: "want an array of tokens with scores, have an object"}
	case !listed && m.listed:
		return nil, &pathError{path: "model.vocab", msg: "want an object, have an array"}
	}
	return m.vocab.build(func(int, string) string { return "model.vocab" }, listed)
}

// bpe makes a BPE model.
func (m *modelFile) bpe(f *fields) (model, error) {
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
	v, err := m.words(false)
	if err != nil {
		return nil, err
	}
	pairs, err := newMerges(v, merges{n: len(m.merges), prefix: cfg.prefix, at: func(i int) (left, right string, err error) {
		return m.merges[i][0], m.merges[i][1], nil
	}})
	if err != nil {
		return nil, fmt.Errorf("model.merges%w", err)
	}
	b, err := newBPE(v, pairs, cfg)
	if err != nil {
		return nil, fmt.Errorf("model.unk_token: %w", err)
	}
	return b, nil
}

// unigram makes a Unigram model.
func (m *modelFile) unigram(f *fields) (model, error) {
	unk := int32(-1)
	if f.get("unk_id") != nil {
		unk = f.id("unk_id")
	}
	fallback := f.boolOr("byte_fallback", false)
	if err := f.close(); err != nil {
		return nil, err
	}
	v, err := m.words(true)
	if err != nil {
		return nil, err
	}
	if int(unk) >= len(m.scores) {
		return nil, f.need("unk_id").errorf("%d is not one of the %d tokens", unk, len(m.scores))
	}
	return newUnigram(v, m.scores, unk, fallback), nil
}

// wordPiece makes a WordPiece model.
func (m *modelFile) wordPiece(f *fields) (model, error) {
	prefix := f.string("continuing_subword_prefix")
	w := &wordPiece{limit: f.int("max_input_chars_per_word")}
	if err := m.withUnknown(f, &w.words); err != nil {
		return nil, err
	}
	w.trie = newTrie(w.vocab)
	for i := 0; i < len(prefix) && w.rest >= 0; i++ {
		w.rest = w.trie.next(w.rest, prefix[i])
	}
	return w, nil
}

// wordLevel makes a WordLevel model.
func (m *modelFile) wordLevel(f *fields) (model, error) {
	w := &wordLevel{}
	if err := m.withUnknown(f, &w.words); err != nil {
		return nil, err
	}
	return w, nil
}

// withUnknown fills in what models of whole words have in common.
func (m *modelFile) withUnknown(f *fields, w *words) (err error) {
	w.name = f.string("unk_token")
	if err := f.close(); err != nil {
		return err
	}
	if w.vocab, err = m.words(false); err != nil {
		return err
	}
	w.unk, _ = w.vocab.id(w.name)
	w.cache = newWordCache()
	return nil
}
