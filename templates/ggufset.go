package templates

import "fmt"

// Metadata is what FromGGUF reads: the key-value pairs of a GGUF file, as
// gguf.Metadata has them. A getter's error names file and key.
type Metadata interface {
	Has(key string) bool
	String(key string) (string, error)
	Strings(key string) ([]string, error)
	Int(key string) (int64, error)
}

// Keys of the metadata.
const (
	ggufTemplate  = "tokenizer.chat_template"
	ggufTemplates = "tokenizer.chat_templates" // names of further ones, each under ggufTemplate.NAME
	ggufTokens    = "tokenizer.ggml.tokens"
)

// ggufTokenIDs are the keys of special tokens, by variable.
var ggufTokenIDs = map[string]string{
	"bos_token":  "tokenizer.ggml.bos_token_id",
	"eos_token":  "tokenizer.ggml.eos_token_id",
	"unk_token":  "tokenizer.ggml.unknown_token_id",
	"sep_token":  "tokenizer.ggml.seperator_token_id",
	"pad_token":  "tokenizer.ggml.padding_token_id",
	"mask_token": "tokenizer.ggml.mask_token_id",
}

// FromGGUF reads the chat templates in a GGUF file and the special tokens that
// they write. A file without templates gives an empty set.
func FromGGUF(md Metadata, opts ...Option) (*Set, error) {
	sources, err := ggufSources(md)
	if err != nil {
		return nil, wrapError(err)
	}
	s, err := compileSet(sources, opts)
	if err != nil {
		return nil, err
	}
	s.tokens, err = ggufSpecialTokens(md)
	if err != nil {
		return nil, wrapError(err)
	}
	return s, nil
}

func ggufSources(md Metadata) (map[string]source, error) {
	sources := map[string]source{}
	if md.Has(ggufTemplate) {
		text, err := md.String(ggufTemplate)
		if err != nil {
			return nil, err
		}
		sources[DefaultName] = source{text, ggufTemplate}
	}
	var names []string
	if md.Has(ggufTemplates) {
		var err error
		if names, err = md.Strings(ggufTemplates); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		key := ggufTemplate + "." + name
		text, err := md.String(key)
		if err != nil {
			return nil, err
		}
		sources[name] = source{text, key}
	}
	return sources, nil
}

func ggufSpecialTokens(md Metadata) (map[string]string, error) {
	tokens := map[string]string{}
	if !md.Has(ggufTokens) {
		return tokens, nil
	}
	vocabulary, err := md.Strings(ggufTokens)
	if err != nil {
		return nil, err
	}
	for variable, key := range ggufTokenIDs {
		if !md.Has(key) {
			continue
		}
		id, err := md.Int(key)
		if err != nil {
			return nil, err
		}
		if id < 0 || id >= int64(len(vocabulary)) {
			return nil, fmt.Errorf("%s: %d is not a token", key, id)
		}
		tokens[variable] = vocabulary[id]
	}
	return tokens, nil
}
