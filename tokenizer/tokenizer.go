package tokenizer

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Tokenizer turns text into token ids and back. It never changes once made and is
// safe for concurrent use.
type Tokenizer struct {
	model     model
	added     *added
	normalize normalizer
	split     preTokenizer
	post      processor
	decode    decoder
	truncate  *truncation
	pad       *padding

	before, after []int32 // what post adds around one text
	simple        bool    // and that it does nothing else to ids
	track         bool    // splitting needs to know where text came from
	roles         Roles
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
	text, err := readFile(path, info.Size())
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// readFile reads a file of about that size as a string, without a second copy.
func readFile(path string, size int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	b.Grow(int(size))
	_, err = io.Copy(&b, io.LimitReader(f, maxFile))
	return b.String(), err
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
	if tok := t.added.of(id); tok != nil {
		return tok.content, true
	}
	return t.model.vocabulary().token(id)
}

// shown returns what a token decodes from: an added one in its normalized form.
func (t *Tokenizer) shown(id int32) (string, bool) {
	if tok := t.added.of(id); tok != nil {
		return tok.shown, true
	}
	return t.model.vocabulary().token(id)
}

// IsSpecial reports whether a token is a special one, such as an end of text,
// which is not part of what was written.
func (t *Tokenizer) IsSpecial(id int32) bool {
	tok := t.added.of(id)
	return tok != nil && tok.special
}

// finish works out what follows from the parts.
func (t *Tokenizer) finish() error {
	useBytes(t.split, t.model)
	t.track = needsPlaces(t.split, t.normalize != nil)
	t.simple = true
	if t.post != nil {
		const text = int32(-1)
		e := &Encoding{}
		e.add(text, Span{}, 0)
		list, err := t.post.process(t, []*Encoding{e}, true)
		if err != nil {
			return err
		}
		ids := joined(list).IDs
		at := slices.Index(ids, text)
		if t.simple = at >= 0 && !slices.Contains(ids[at+1:], text); t.simple {
			t.before, t.after = ids[:at:at], ids[at+1:]
		}
	}
	t.roles = t.guessRoles()
	return nil
}

// needsPlaces reports whether a Metaspace asks which piece is the first, and something before it may have changed the
// text.
func needsPlaces(p preTokenizer, changed bool) bool {
	list, ok := p.(preTokenizerSequence)
	if !ok {
		list = preTokenizerSequence{p}
	}
	for i, p := range list {
		if m, ok := p.(metaspaces); ok && m.prepend == prependFirst && (changed || i > 0) {
			return true
		}
	}
	return false
}
