package tokenizer

import (
	"fmt"
)

// Metadata is what FromGGUF reads: the key-value pairs of a GGUF file, as
// gguf.Metadata has them. A getter's error names file and key.
type Metadata interface {
	Has(key string) bool
	String(key string) (string, error)
	Strings(key string) ([]string, error)
	Bool(key string) (bool, error)
	Int(key string) (int64, error)
	Ints(key string) ([]int64, error)
	Floats(key string) ([]float64, error)
}

// Keys of the metadata.
const (
	ggufModel  = "tokenizer.ggml.model"
	ggufPre    = "tokenizer.ggml.pre"
	ggufTokens = "tokenizer.ggml.tokens"
	ggufTypes  = "tokenizer.ggml.token_type"
	ggufMerges = "tokenizer.ggml.merges"
	ggufScores = "tokenizer.ggml.scores"
	ggufPrefix = "tokenizer.ggml.add_space_prefix"
)

// Token types of a GGUF file (ggml's enum llama_token_type).
const (
	ggufNormal      = 1
	ggufUnknown     = 2
	ggufControl     = 3
	ggufUserDefined = 4
	ggufUnused      = 5
	ggufByte        = 6
)

// FromGGUF makes the tokenizer of a GGUF file. The file holds vocabulary and
// merges, and a name for the rest, tokenizer.ggml.pre; names that this package
// does not know are refused.
func FromGGUF(md Metadata) (*Tokenizer, error) {
	t, err := fromGGUF(md)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func fromGGUF(md Metadata) (*Tokenizer, error) {
	kind, err := md.String(ggufModel)
	if err != nil {
		return nil, err
	}
	var t *Tokenizer
	switch kind {
	case "gpt2":
		t, err = ggufByteLevel(md)
	case "llama":
		t, err = ggufSentencePiece(md)
	default:
		return nil, fmt.Errorf("%s: unknown model %q (known: gpt2, llama)", ggufModel, kind)
	}
	if err != nil {
		return nil, err
	}
	if err := t.finish(); err != nil {
		return nil, err
	}
	return t, t.ggufRoles(md)
}

// ggufByteLevel makes the tokenizer of a model with byte-level merges.
func ggufByteLevel(md Metadata) (*Tokenizer, error) {
	name, err := md.String(ggufPre)
	if err != nil {
		return nil, err
	}
	pipe, err := ggufPipelineOf(name)
	if err != nil {
		return nil, err
	}
	model, err := ggufBPE(md, pipe.ignoreMerges)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{model: model, normalize: pipe.normalize, split: pipe.split, decode: byteLevelDecoder{}}
	if t.added, err = ggufAdded(md, model.vocab); err != nil {
		return nil, err
	}
	t.post, err = ggufProcessor(md, model.vocab, pipe.bos)
	return t, err
}

// ggufBPE reads vocabulary and merges.
func ggufBPE(md Metadata, ignoreMerges bool) (*bpe, error) {
	tokens, err := md.Strings(ggufTokens)
	if err != nil {
		return nil, err
	}
	lines, err := md.Strings(ggufMerges)
	if err != nil {
		return nil, err
	}
	v, err := ggufVocab(tokens)
	if err != nil {
		return nil, err
	}
	pairs, err := newMerges(v, merges{n: len(lines), at: func(i int) (left, right string, err error) {
		left, right, ok := cutMerge(lines[i])
		if !ok {
			err = fmt.Errorf("%q is not two tokens with a space between", lines[i])
		}
		return left, right, err
	}})
	if err != nil {
		return nil, fmt.Errorf("%s%w", ggufMerges, err)
	}
	return newBPE(v, pairs, bpeConfig{ignoreMerges: ignoreMerges})
}

// ggufVocab makes the vocabulary.
func ggufVocab(tokens []string) (*vocab, error) {
	b := newVocabBuilder(tokens)
	for i, tok := range tokens {
		b.add(tok, int32(i))
	}
	return b.build(func(i int, _ string) string { return fmt.Sprintf("%s[%d]", ggufTokens, i) }, false)
}

// ggufTypesOf reads the types of tokens, nil where the file has none.
func ggufTypesOf(md Metadata, v *vocab) ([]int64, error) {
	if !md.Has(ggufTypes) {
		return nil, nil
	}
	types, err := md.Ints(ggufTypes)
	if err == nil && len(types) != v.len() {
		err = fmt.Errorf("%s: %d types for %d tokens", ggufTypes, len(types), v.len())
	}
	return types, err
}

// ggufAdded makes added tokens of those that the file calls control or
// user-defined.
func ggufAdded(md Metadata, v *vocab) (*added, error) {
	types, err := ggufTypesOf(md, v)
	if err != nil {
		return nil, err
	}
	var tokens []addedToken
	for i, kind := range types {
		if kind == ggufControl || kind == ggufUserDefined {
			tokens = append(tokens, addedToken{id: int32(i), content: v.entry(i), special: kind == ggufControl})
		}
	}
	return newAdded(tokens, nil)
}

// ggufProcessor adds the begin and end of text where the file asks for them.
func ggufProcessor(md Metadata, v *vocab, bos bool) (processor, error) {
	before, err := ggufMark(md, v, "bos", bos)
	if err != nil {
		return nil, err
	}
	after, err := ggufMark(md, v, "eos", false)
	if err != nil {
		return nil, err
	}
	return surround(before, after), nil
}

// surround is a processor that puts ids around every text.
func surround(before, after []int32) processor {
	return templates{
		single: []piece{{-1, before, 0}, {0, nil, 0}, {-1, after, 0}},
		pair:   []piece{{-1, before, 0}, {0, nil, 0}, {-1, after, 0}, {-1, before, 1}, {1, nil, 1}, {-1, after, 1}},
	}
}

// ggufMark returns the id of bos or eos where it is to be written.
func ggufMark(md Metadata, v *vocab, mark string, write bool) ([]int32, error) {
	if key := "tokenizer.ggml.add_" + mark + "_token"; md.Has(key) {
		var err error
		if write, err = md.Bool(key); err != nil {
			return nil, err
		}
	}
	if !write {
		return nil, nil
	}
	key := "tokenizer.ggml." + mark + "_token_id"
	id, err := md.Int(key)
	if err != nil {
		return nil, err
	}
	if id < 0 || id >= int64(v.len()) {
		return nil, fmt.Errorf("%s: %d is not one of the %d tokens", key, id, v.len())
	}
	return []int32{int32(id)}, nil
}
