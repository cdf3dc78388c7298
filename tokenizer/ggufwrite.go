package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// GGUFPair is one entry of a GGUF file's metadata: a key, and a string, bool, uint32, []string, []int32 or []float32.
type GGUFPair struct {
	Key   string
	Value any
}

// GGUF returns the metadata that FromGGUF makes this tokenizer of, in the order in which llama.cpp's converter writes it, for a
// model with logits for that many tokens: those that the vocabulary lacks are called [PAD1] and so on. Of the roles it has what
// stands around every text; the rest is the caller's. A tokenizer that no name of tokenizer.ggml.pre stands for, or that a GGUF
// file cannot say for another reason, is an error: what FromGGUF makes of the metadata is compared on texts of many kinds.
func (t *Tokenizer) GGUF(tokens int) ([]GGUFPair, error) {
	w := &ggufWriter{t: t, values: ggufValues{}}
	if err := w.write(tokens); err != nil {
		return nil, fmt.Errorf("tokenizer: as GGUF: %w", err)
	}
	return w.pairs, nil
}

// ggufWriter collects metadata.
type ggufWriter struct {
	t      *Tokenizer
	model  *bpe
	pairs  []GGUFPair
	values ggufValues
}

func (w *ggufWriter) set(key string, value any) {
	w.pairs = append(w.pairs, GGUFPair{key, value})
	w.values[key] = value
}

func (w *ggufWriter) write(tokens int) error {
	model, ok := w.t.model.(*bpe)
	if !ok {
		return errors.New("only BPE is possible")
	}
	if model.prefix != "" || model.suffix != "" {
		return errors.New("its model has a prefix or a suffix")
	}
	if level, _ := mapsBytes(w.t.split); level == nil && !model.byteFallback {
		return errors.New("its model works neither on bytes nor falls back to them")
	}
	w.model = model
	names, types, err := w.tokens(tokens)
	if err != nil {
		return err
	}
	if model.byteFallback {
		w.set(ggufModel, "llama")
		w.set(ggufTokens, names)
		w.set(ggufScores, w.scores(len(names)))
		w.set(ggufTypes, types)
		w.set(ggufPrefix, w.spacePrefix())
	} else {
		pre, err := w.t.ggufPre(model)
		if err != nil {
			return err
		}
		w.set(ggufModel, "gpt2")
		w.set(ggufPre, pre)
		w.set(ggufTokens, names)
		w.set(ggufTypes, types)
		w.set(ggufMerges, w.merges())
	}
	if err := w.mark("bos", w.t.before); err != nil {
		return err
	}
	if err := w.mark("eos", w.t.after); err != nil {
		return err
	}
	return w.compare()
}

// tokens lists all tokens with their types.
func (w *ggufWriter) tokens(n int) (names []string, types []int32, err error) {
	if size := w.t.Size(); size > n {
		return nil, nil, fmt.Errorf("its %d tokens are more than the %d of the model", size, n)
	}
	for id := range int32(n) {
		name, ok := w.t.Token(id)
		kind := int32(ggufNormal)
		switch added := w.t.added.of(id); {
		case !ok:
			name, kind = fmt.Sprintf("[PAD%d]", id), ggufUnused
		case w.model.byteFallback && id == w.model.unk:
			kind = ggufUnknown
		case added != nil && added.special:
			kind = ggufControl
		case added != nil:
			kind = ggufUserDefined
		case w.model.byteFallback && slices.Contains(w.model.fallback[:], id):
			kind = ggufByte
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, nil
}

// ranked are the merges in their order, those of equal rank by the ids of their sides.
func (m *bpe) ranked() []pairSlot {
	var slots []pairSlot
	for _, s := range m.pairs.slots {
		if s.rank() != noRank {
			slots = append(slots, s)
		}
	}
	slices.SortFunc(slots, func(a, b pairSlot) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right))
	})
	return slots
}

func (w *ggufWriter) merges() []string {
	var lines []string
	for _, s := range w.model.ranked() {
		left, _ := w.t.Token(s.left)
		right, _ := w.t.Token(s.right)
		lines = append(lines, left+" "+right)
	}
	return lines
}

// unmerged is the score of a token that nothing merges into.
const unmerged = -1e6

// scores puts tokens into the order of their first merges.
func (w *ggufWriter) scores(n int) []float32 {
	scores := slices.Repeat([]float32{unmerged}, n)
	slots := w.model.ranked()
	for i := len(slots) - 1; i >= 0; i-- {
		scores[slots[i].into] = -float32(slots[i].rank())
	}
	return scores
}

// spacePrefix reports whether a text begins as if a space stood before it.
func (w *ggufWriter) spacePrefix() bool {
	ids, _ := w.t.Encode("a", WithoutSpecialTokens()) // of a letter there is no error
	first := ""
	if len(ids) > 0 {
		first, _ = w.t.Token(ids[0])
	}
	return strings.HasPrefix(first, metaspace) || first == "<0xE2>" // its first byte
}

// mark writes whether a token stands before or after every text, and which.
func (w *ggufWriter) mark(name string, ids []int32) error {
	if len(ids) > 1 {
		return fmt.Errorf("%d tokens stand around every text, and one is possible at each end", len(ids))
	}
	if len(ids) == 1 {
		w.set("tokenizer.ggml."+name+"_token_id", uint32(ids[0]))
	}
	w.set("tokenizer.ggml.add_"+name+"_token", len(ids) == 1)
	return nil
}

// ggufProbes are texts on which pipelines differ: words, contractions, digits, spaces, line breaks, signs and scripts.
var ggufProbes = []string{
	"Hello, world! It's 2026: we'll've done 1234567 things, and I'M sure THEY'RE fine.",
	"  two   spaces\tand a tab\n\n\nthree lines \r\n   indented\n\t\tx = y+1; // done\n",
	"camelCaseWORDSAndMore snake_case_name foo.bar(baz)[3] https://example.org/a/b?c=1&d=%20",
	"ÀÉÎõü cafe\u0301 n\u0303 ﬁ Straße ΑΒΓ где мы? 你好，世界！ 東京タワー 한국어 हिन्दी ไทย עברית مرحبا",
	"½ ² ٣٤٥ ⅷ 三四 😀👍🏽 ✨→∑∫ ““quoted”” … — – \u00a0nbsp\u200bzero \u3000wide",
	"a", " a", "a ", "\n", "'s", " 's'S 'd", "!!!???...", "x²+y³=z⁴", "12 345,678.90", "",
}

// ggufPre finds the name of the pipeline, by what it makes of texts.
func (t *Tokenizer) ggufPre(model *bpe) (string, error) {
	for _, kind := range slices.Sorted(maps.Keys(ggufNames)) {
		pipe := newPipeline(kind)
		if pipe.ignoreMerges != model.ignoreMerges {
			continue
		}
		other := &Tokenizer{model: model, added: t.added, normalize: pipe.normalize, split: pipe.split, decode: t.decode}
		if err := other.finish(); err != nil {
			return "", err
		}
		if text, err := t.differs(other, WithoutSpecialTokens()); err != nil {
			return "", err
		} else if text == nil {
			return ggufNames[kind][0], nil
		}
	}
	return "", fmt.Errorf("%s: no name stands for what its normalizer and pre-tokenizer do", ggufPre)
}

// differs returns a text of which the other makes other ids, nil for none.
func (t *Tokenizer) differs(other *Tokenizer, opts ...EncodeOption) (*string, error) {
	for i, text := range ggufProbes {
		want, err := t.Encode(text, opts...)
		if err != nil {
			return nil, err
		}
		got, err := other.Encode(text, opts...)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(want, got) {
			return &ggufProbes[i], nil
		}
	}
	return nil, nil
}

// compare reads the metadata back.
func (w *ggufWriter) compare() error {
	other, err := fromGGUF(w.values)
	if err != nil {
		return err
	}
	text, err := w.t.differs(other)
	if err == nil && text != nil {
		err = fmt.Errorf("it would make other tokens of %q", *text)
	}
	return err
}
