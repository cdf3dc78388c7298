package tokenizer

import (
	"fmt"
	"os"
)

// Tokenizer turns text into token ids and back. It never changes once made and is
// safe for concurrent use.
type Tokenizer struct {
	model     model
	added     *added
	normalize normalizer
	split     preTokenizer
	process   processor
	decode    decoder
}

// maxFile bounds the size of a tokenizer.json; the largest known are under 40 MB.
const maxFile = 512 << 20

// Load reads a tokenizer.json. Errors name the file and the member at fault.
func Load(path string) (*Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("tokenizer: %s: %d bytes, the limit is %d", path, info.Size(), maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// Parse reads the contents of a tokenizer.json.
func Parse(data []byte) (*Tokenizer, error) {
	t, err := parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// Size returns the number of tokens, added ones included.
func (t *Tokenizer) Size() int {
	n := t.model.vocabulary().len()
	for _, tok := range t.added.tokens {
		if _, ok := t.model.vocabulary().token(tok.id); !ok {
			n++
		}
	}
	return n
}

// ID returns the id of a token, given as the vocabulary writes it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if i, ok := t.added.byText[token]; ok {
		return t.added.tokens[i].id, true
	}
	return t.model.vocabulary().id(token)
}

// Token returns a token as the vocabulary writes it: in a byte-level vocabulary a
// space is "Ġ". Use Decode for text.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if i, ok := t.added.byID[id]; ok {
		return t.added.tokens[i].content, true
	}
	return t.model.vocabulary().token(id)
}

// IsSpecial reports whether a token is a special one, such as an end of text,
// which is not part of what was written.
func (t *Tokenizer) IsSpecial(id int32) bool {
	i, ok := t.added.byID[id]
	return ok && t.added.tokens[i].special
}
