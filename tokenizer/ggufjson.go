package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// GGUFToJSON writes the tokenizer of a GGUF file as a tokenizer.json that makes the same tokens: what FromGGUF reads. Files
// with SentencePiece's scores become merges in the order of the scores, as transformers converts them; of merges with equal
// scores those of the lower ids come first.
func GGUFToJSON(md Metadata) ([]byte, error) {
	t, err := fromGGUF(md)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	data, err := t.json(md)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: as JSON: %w", err)
	}
	return data, nil
}

// fileObject is an object of a tokenizer.json.
type fileObject map[string]any

func sequence(member string, list ...fileObject) fileObject {
	return fileObject{"type": "Sequence", member: list}
}

// tokenizerJSON is a tokenizer.json.
type tokenizerJSON struct {
	Version       string          `json:"version"`
	Truncation    any             `json:"truncation"`
	Padding       any             `json:"padding"`
	AddedTokens   []fileObject    `json:"added_tokens"`
	Normalizer    fileObject      `json:"normalizer"`
	PreTokenizer  fileObject      `json:"pre_tokenizer"`
	PostProcessor fileObject      `json:"post_processor"`
	Decoder       fileObject      `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

func (t *Tokenizer) json(md Metadata) ([]byte, error) {
	out := tokenizerJSON{Version: "1.0", AddedTokens: []fileObject{}, PostProcessor: t.templateJSON()}
	for _, tok := range t.added.tokens {
		out.AddedTokens = append(out.AddedTokens, fileObject{
			"id": tok.id, "content": tok.content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": tok.special,
		})
	}
	m, _ := t.model.(*bpe)
	if m.byteFallback {
		out.scored(t)
	} else {
		name, err := md.String(ggufPre)
		if err != nil {
			return nil, err
		}
		out.byteLevel(ggufKindOf(name))
	}
	out.Model = m.json()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return b.Bytes(), err
}

// scored are the parts around a model with scores.
func (j *tokenizerJSON) scored(t *Tokenizer) {
	escape := fileObject{"type": "Replace", "pattern": fileObject{"String": " "}, "content": metaspace}
	unescape := fileObject{"type": "Replace", "pattern": fileObject{"String": metaspace}, "content": " "}
	decoders := []fileObject{unescape, {"type": "ByteFallback"}, {"type": "Fuse"}}
	j.Normalizer = escape
	if _, prefix := t.normalize.(normalizerSequence); prefix {
		j.Normalizer = sequence("normalizers", fileObject{"type": "Prepend", "prepend": metaspace}, escape)
		decoders = append(decoders, fileObject{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	j.Decoder = sequence("decoders", decoders...)
}

// byteLevel are the parts around a model with byte-level merges.
func (j *tokenizerJSON) byteLevel(kind string) {
	if newPipeline(kind).normalize != nil {
		j.Normalizer = fileObject{"type": "NFC"}
	}
	toBytes := func(split bool) fileObject {
		return fileObject{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": split}
	}
	var list []fileObject
	for _, pattern := range ggufSplits[kind] {
		list = append(list, fileObject{"type": "Split", "pattern": fileObject{"Regex": pattern}, "behavior": "Isolated", "invert": false})
	}
	switch {
	case list != nil:
		j.PreTokenizer = sequence("pretokenizers", append(list, toBytes(false))...)
	case kind == "oneDigit":
		j.PreTokenizer = sequence("pretokenizers", fileObject{"type": "Digits", "individual_digits": true}, toBytes(true))
	default:
		j.PreTokenizer = toBytes(true)
	}
	j.Decoder = fileObject{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
}

// templateJSON puts tokens around every text; nil where there are none.
func (t *Tokenizer) templateJSON() fileObject {
	if len(t.before)+len(t.after) == 0 {
		return nil
	}
	special := fileObject{}
	add := func(list []fileObject, ids []int32, sequence int) []fileObject {
		for _, id := range ids {
			name, _ := t.Token(id)
			special[name] = fileObject{"id": name, "ids": []int32{id}, "tokens": []string{name}}
			list = append(list, fileObject{"SpecialToken": fileObject{"id": name, "type_id": sequence}})
		}
		return list
	}
	around := func(name string, sequence int) []fileObject {
		list := append(add(nil, t.before, sequence), fileObject{"Sequence": fileObject{"id": name, "type_id": sequence}})
		return add(list, t.after, sequence)
	}
	return fileObject{
		"type": "TemplateProcessing", "single": around("A", 0), "pair": slices.Concat(around("A", 0), around("B", 1)), "special_tokens": special,
	}
}

// json is the member model: half a million lines of it are written without a tree of them.
func (m *bpe) json() []byte {
	b := bytes.NewBufferString(`{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null`)
	fmt.Fprintf(b, `,"fuse_unk":%v,"byte_fallback":%v,"ignore_merges":%v,"vocab":{`, m.byteFallback, m.byteFallback, m.ignoreMerges)
	for i := range m.vocab.len() {
		fmt.Fprintf(b, "%s%s:%d", comma(i), quoted(m.vocab.entry(i)), m.vocab.ids[i])
	}
	b.WriteString(`},"merges":[`)
	for i, s := range m.ranked() {
		left, _ := m.vocab.token(s.left)
		right, _ := m.vocab.token(s.right)
		fmt.Fprintf(b, "%s[%s,%s]", comma(i), quoted(left), quoted(right))
	}
	b.WriteString("]}")
	return b.Bytes()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// quoted writes s as JSON; what is not UTF-8, which no vocabulary has, is replaced.
func quoted(s string) []byte {
	q, _ := json.Marshal(strings.ToValidUTF8(s, "\uFFFD")) // of a string there is no error
	return q
}
