package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files of a Hugging Face folder.
const (
	templateFile      = "chat_template.jinja"
	moreTemplates     = "additional_chat_templates"
	tokenizerConfig   = "tokenizer_config.json"
	processorTemplate = "chat_template.json"
)

// maxConfig bounds a configuration file, in bytes; the largest have some MB.
const maxConfig = 64 << 20

// LoadFolder reads the chat templates of a Hugging Face folder, from the first
// of these places that has any, as transformers does:
//
//   - chat_template.jinja, which is "default", and additional_chat_templates/NAME.jinja
//   - the member chat_template of tokenizer_config.json: a text, or several by name
//   - the same member of chat_template.json
//
// The special tokens come from tokenizer_config.json. A folder without
// templates gives an empty set.
func LoadFolder(dir string, opts ...Option) (*Set, error) {
	config, err := readSettings(filepath.Join(dir, tokenizerConfig))
	if err != nil {
		return nil, err
	}
	sources, err := jinjaFiles(dir)
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		sources = config.sources
	}
	if len(sources) == 0 {
		processor, err := readSettings(filepath.Join(dir, processorTemplate))
		if err != nil {
			return nil, err
		}
		sources = processor.sources
	}
	s, err := compileSet(sources, opts)
	if err != nil {
		return nil, err
	}
	s.tokens = config.tokens
	return s, nil
}

// jinjaFiles reads the templates that are files of their own.
func jinjaFiles(dir string) (map[string]source, error) {
	files := map[string]string{DefaultName: filepath.Join(dir, templateFile)}
	more, err := os.ReadDir(filepath.Join(dir, moreTemplates))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, wrapError(err)
	}
	for _, e := range more {
		if name, ok := strings.CutSuffix(e.Name(), ".jinja"); ok {
			files[name] = filepath.Join(dir, moreTemplates, e.Name())
		}
	}
	sources := map[string]source{}
	for name, path := range files {
		text, err := readFile(path)
		if err == nil {
			sources[name] = source{string(text), path}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return sources, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, wrapError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, wrapError(err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("templates: %s: larger than %d bytes", path, maxConfig)
	}
	return data, nil
}

// settings are what tokenizer_config.json says about chats.
type settings struct {
	sources map[string]source
	tokens  map[string]string
}

// tokenNames are the special tokens that templates may write.
var tokenNames = [...]string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// readSettings reads a configuration file; one that is not there says nothing.
func readSettings(path string) (c settings, err error) {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c, err = parseSettings(data, path); err != nil {
		return c, fmt.Errorf("templates: %s: %w", path, err)
	}
	return c, nil
}

func parseSettings(data []byte, path string) (c settings, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return c, err
	}
	c.tokens = map[string]string{}
	for _, name := range tokenNames {
		text, err := tokenText(members[name])
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		if text != "" {
			c.tokens[name] = text
		}
	}
	named, err := namedSources(members["chat_template"])
	if err != nil {
		return c, fmt.Errorf("chat_template: %w", err)
	}
	c.sources = make(map[string]source, len(named))
	for name, text := range named {
		c.sources[name] = source{text, fmt.Sprintf("%s: chat_template %q", path, name)}
	}
	return c, nil
}

// tokenText is a token's text: a string, or the content of an object.
func tokenText(data json.RawMessage) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	var added struct {
		Content string `json:"content"`
	}
	if data[0] == '{' {
		err := json.Unmarshal(data, &added)
		return added.Content, err
	}
	err := json.Unmarshal(data, &added.Content)
	return added.Content, err
}

// namedSources reads chat_template: a text, a list of objects with name and
// template, or an object of templates by name.
func namedSources(data json.RawMessage) (map[string]string, error) {
	sources := map[string]string{}
	if len(data) == 0 {
		return nil, nil
	}
	switch data[0] {
	case '[':
		var named []struct{ Name, Template string }
		if err := json.Unmarshal(data, &named); err != nil {
			return nil, err
		}
		for i, n := range named {
			if n.Name == "" {
				return nil, fmt.Errorf("template %d has no name", i)
			}
			sources[n.Name] = n.Template
		}
	case '{':
		if err := json.Unmarshal(data, &sources); err != nil {
			return nil, err
		}
	default:
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return nil, err
		}
		if text != "" {
			sources[DefaultName] = text
		}
	}
	return sources, nil
}
