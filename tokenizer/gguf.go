package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
}

// Keys of the metadata.
const (
	ggufModel  = "tokenizer.ggml.model"
	ggufPre    = "tokenizer.ggml.pre"
	ggufTokens = "tokenizer.ggml.tokens"
	ggufTypes  = "tokenizer.ggml.token_type"
	ggufMerges = "tokenizer.ggml.merges"
)

// Token types of a GGUF file (ggml's enum llama_token_type).
const (
	ggufControl     = 3
	ggufUserDefined = 4
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

// ggufPipeline is what a name in tokenizer.ggml.pre stands for.
type ggufPipeline struct {
	normalize    normalizer
	split        func() preTokenizer
	ignoreMerges bool
	bos          bool // written before a text unless the file says otherwise
}

// ggufPipelines gives the pipelines by name, as llama.cpp's llama-vocab.cpp names
// them and as the tokenizer.json of these models have them.
var ggufPipelines = func() map[string]ggufPipeline {
	gpt2 := func() preTokenizer { return &byteLevel{pattern: scanPattern{scanGPT2, classes()}} }
	oneDigit := func() preTokenizer {
		digits := splitter{pattern: classPattern{numeric, classes()}, behavior: isolated}
		return preTokenizerSequence{digits, gpt2()}
	}
	words := func(s scanner) func() preTokenizer {
		return func() preTokenizer {
			return preTokenizerSequence{
				splitter{pattern: scanPattern{s, classes()}, behavior: isolated}, &byteLevel{},
			}
		}
	}
	all := map[string]ggufPipeline{}
	for _, name := range []string{"gpt-2", "phi-2", "mpt", "olmo", "jina-es", "jina-de"} {
		all[name] = ggufPipeline{split: gpt2}
	}
	for _, name := range []string{"smollm", "starcoder", "refact", "command-r", "codeshell"} {
		all[name] = ggufPipeline{split: oneDigit}
	}
	for _, name := range []string{"llama-bpe", "llama3", "llama-v3"} {
		all[name] = ggufPipeline{split: words(scanLlama3), ignoreMerges: true, bos: true}
	}
	for _, name := range []string{"qwen2", "deepseek-r1-qwen"} {
		all[name] = ggufPipeline{split: words(scanQwen2), normalize: unicodeForm{compose: true}}
	}
	return all
}()

func fromGGUF(md Metadata) (*Tokenizer, error) {
	kind, err := md.String(ggufModel)
	if err != nil {
		return nil, err
	}
	if kind != "gpt2" {
		return nil, fmt.Errorf("%s: unknown model %q (known: gpt2)", ggufModel, kind)
	}
	name, err := md.String(ggufPre)
	if err != nil {
		return nil, err
	}
	pipe, ok := ggufPipelines[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(ggufPipelines)), ", ")
		return nil, fmt.Errorf("%s: unknown pre-tokenizer %q (known: %s)", ggufPre, name, known)
	}
	model, err := ggufBPE(md, pipe.ignoreMerges)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{model: model, normalize: pipe.normalize, split: pipe.split(), decode: byteLevelDecoder{}}
	if t.added, err = ggufAdded(md, model.vocab); err != nil {
		return nil, err
	}
	if t.post, err = ggufProcessor(md, model.vocab, pipe.bos); err != nil {
		return nil, err
	}
	return t, t.finish()
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
	var b vocabBuilder
	for i, tok := range tokens {
		b.add(tok, int32(i))
	}
	v, err := b.build(func(i int, _ string) string { return fmt.Sprintf("%s[%d]", ggufTokens, i) }, false)
	if err != nil {
		return nil, err
	}
	merges := make([][2]string, len(lines))
	for i, line := range lines {
		left, right, ok := cutMerge(line)
		if !ok {
			return nil, fmt.Errorf("%s[%d]: %q is not two tokens with a space between", ggufMerges, i, line)
		}
		merges[i] = [2]string{left, right}
	}
	pairs, err := newMerges(v, merges, "")
	if err != nil {
		return nil, fmt.Errorf("%s%w", ggufMerges, err)
	}
	return newBPE(v, pairs, bpeConfig{ignoreMerges: ignoreMerges})
}

// ggufAdded makes added tokens of those that the file calls control or
// user-defined.
func ggufAdded(md Metadata, v *vocab) (*added, error) {
	if !md.Has(ggufTypes) {
		return newAdded(nil, nil)
	}
	types, err := md.Ints(ggufTypes)
	if err != nil {
		return nil, err
	}
	if len(types) != v.len() {
		return nil, fmt.Errorf("%s: %d types for %d tokens", ggufTypes, len(types), v.len())
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
