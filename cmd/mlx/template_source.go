package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// templates are the model's templates, or the one that was named, and the texts of
// the model's special tokens, as far as they are known.
func (c *templateCmd) templates(con *console) (set *templates.Set, special []string, err error) {
	set, err = templates.NewSet(nil)
	if err != nil {
		return nil, nil, err
	}
	if c.Model != "" {
		path, err := modelPath(con, c.Model)
		if err != nil {
			return nil, nil, err
		}
		if set, special, err = modelTemplates(path); err != nil {
			return nil, nil, err
		}
	}
	if c.Template == "" {
		return set, special, nil
	}
	t, err := fileTemplate(c.Template)
	if err != nil {
		return nil, nil, err
	}
	name := c.Variant
	if name == "" {
		// The file is for every chat, tools or not.
		set, name = set.With(templates.ToolUseName, t), templates.DefaultName
	}
	return set.With(name, t), special, nil
}

// fileTemplate compiles the file called name, or what is built in under that name.
func fileTemplate(name string) (*templates.Template, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		t, named := templates.Named(name)
		if named != nil {
			return nil, fmt.Errorf("there is no file %s, and %s is none of %s", name, name, strings.Join(templates.Names(), ", "))
		}
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	t, err := templates.Compile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// modelTemplates reads the templates and the special tokens of a model.
func modelTemplates(path string) (*templates.Set, []string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		set, err := templates.LoadFolder(path)
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(path, "tokenizer.json")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return set, nil, nil // enough to render
		}
		tok, err := tokenizer.Load(file)
		return set, specialTokens(tok), err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	set, err := templates.FromGGUF(&f.Metadata)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	tok, err := tokenizer.FromGGUF(&f.Metadata)
	return set, specialTokens(tok), err
}

// specialTokens are the texts of a vocabulary's special tokens.
func specialTokens(tok *tokenizer.Tokenizer) (texts []string) {
	if tok == nil {
		return nil
	}
	for id := range int32(tok.Size()) {
		if text, ok := tok.Token(id); ok && text != "" && tok.IsSpecial(id) {
			texts = append(texts, text)
		}
	}
	return texts
}
