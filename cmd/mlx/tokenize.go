package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

type tokenizeCmd struct {
	Model  string `required:"" short:"m" help:"A model folder, a tokenizer.json, a .gguf file, or smollm2 for the small default model."`
	Text   string `arg:"" optional:"" help:"The text, or the ids with --decode; without it or with - standard input is read."`
	Decode bool   `help:"Take ids, with spaces or commas between, and print their text."`
	Count  bool   `help:"Print the number of tokens only."`
	JSON   bool   `help:"Print ids, tokens and offsets in bytes as one line of JSON."`
	Plain  bool   `help:"Leave out the special tokens around the text."`
}

// Validate refuses what does not go together.
func (k *tokenizeCmd) Validate() error {
	if k.Decode && k.Count {
		return errors.New("--count and --decode exclude each other")
	}
	return nil
}

// Run tokenizes a text, or makes text of ids.
func (k *tokenizeCmd) Run(c *console) error {
	text, err := k.text(c)
	if err != nil {
		return err
	}
	tok, err := loadTokenizer(c, k.Model)
	if err != nil {
		return err
	}
	if k.Decode {
		return k.decode(c.out, tok, text)
	}
	var opts []tokenizer.EncodeOption
	if k.Plain {
		opts = append(opts, tokenizer.WithoutSpecialTokens())
	}
	e, err := tok.EncodeFull(text, opts...)
	if err != nil {
		return err
	}
	switch {
	case k.JSON && k.Count:
		return json.NewEncoder(c.out).Encode(map[string]int{"count": e.Len()})
	case k.Count:
		_, err = fmt.Fprintln(c.out, e.Len())
		return err
	case k.JSON:
		return json.NewEncoder(c.out).Encode(listTokens(tok, e))
	}
	return printTokens(c.out, tok, e)
}

// text is the argument, or standard input.
func (k *tokenizeCmd) text(c *console) (string, error) {
	if k.Text != "" && k.Text != "-" {
		return k.Text, nil
	}
	read, err := (&generateCmd{Prompt: "-"}).readPrompt(c)
	if err != nil {
		return "", err
	}
	return read, nil
}

// loadTokenizer reads the tokenizer of a folder, a tokenizer.json, a GGUF file or a pinned model.
func loadTokenizer(c *console, name string) (*tokenizer.Tokenizer, error) {
	path, err := modelPath(c, name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return tokenizer.Load(filepath.Join(path, "tokenizer.json"))
	}
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return tokenizer.Load(path)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return tokenizer.FromGGUF(&f.Metadata)
}

// decode prints the text of ids.
func (k *tokenizeCmd) decode(w io.Writer, tok *tokenizer.Tokenizer, list string) error {
	var ids []int32
	for field := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n[]", r) }) {
		id, err := strconv.ParseInt(field, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not a token id", field)
		}
		if _, ok := tok.Token(int32(id)); !ok {
			return fmt.Errorf("%d is not a token of this vocabulary", id)
		}
		ids = append(ids, int32(id))
	}
	text := tok.Decode(ids)
	if k.JSON {
		return json.NewEncoder(w).Encode(map[string]string{"text": text})
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// listedTokens is what --json prints.
type listedTokens struct {
	Count  int      `json:"count"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"` // as the vocabulary writes them
	// Offsets are the bytes of the text that each stands for.
	Offsets [][2]int `json:"offsets"`
}

func listTokens(tok *tokenizer.Tokenizer, e *tokenizer.Encoding) listedTokens {
	out := listedTokens{Count: e.Len(), IDs: append([]int32{}, e.IDs...), Tokens: []string{}, Offsets: [][2]int{}}
	for i, id := range e.IDs {
		token, _ := tok.Token(id)
		out.Tokens = append(out.Tokens, token)
		out.Offsets = append(out.Offsets, [2]int{e.Offsets[i].Start, e.Offsets[i].End})
	}
	return out
}

// printTokens prints the pieces of the text, each on a colour of its own where w is a terminal and between bars elsewhere,
// and the ids.
func printTokens(w io.Writer, tok *tokenizer.Tokenizer, e *tokenizer.Encoding) error {
	colours := fetch.IsTerminal(w) && wantsColour()
	var b strings.Builder
	for i, id := range e.IDs {
		text := escaped(tok.Decode([]int32{id}))
		if !colours {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(text)
			continue
		}
		fmt.Fprintf(&b, "\x1b[30;48;5;%dm%s%s", palette[i%len(palette)], text, plain)
	}
	b.WriteByte('\n')
	for i, id := range e.IDs {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(int(id)))
	}
	fmt.Fprintf(&b, "\n%d tokens\n", e.Len())
	_, err := io.WriteString(w, b.String())
	return err
}

// palette are light colours of the 256, on which black can be read.
var palette = [...]int{153, 157, 223, 225, 159, 229}

// escaped writes line breaks, tabs and other control characters as escapes.
func escaped(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
