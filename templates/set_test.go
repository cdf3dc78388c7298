package templates_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
)

// writeFolder writes files that are given as text or as JSON.
func writeFolder(t testing.TB, files map[string]json.RawMessage) string {
	dir := t.TempDir()
	for name, content := range files {
		var text string
		if json.Unmarshal(content, &text) != nil {
			text = string(content)
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

// TestFolders compares the template that is chosen in folders of all kinds, and
// the tokens it sees, with transformers.
func TestFolders(t *testing.T) {
	data, err := os.ReadFile("testdata/choice.json")
	require.NoError(t, err)
	var file struct {
		Folders map[string]map[string]json.RawMessage
		Cases   []struct {
			Folder  string
			Variant string
			Tools   []json.RawMessage
			Want    *string
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	sets := map[string]*templates.Set{}
	for name, files := range file.Folders {
		sets[name], err = templates.LoadFolder(writeFolder(t, files))
		require.NoError(t, err, name)
	}
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		got, err := sets[c.Folder].Render(chat{Messages: messages{{Role: "user", Content: "Hi"}},
			Variant: c.Variant, Tools: anySlice(c.Tools)})
		if c.Want == nil {
			require.ErrorIs(t, err, templates.ErrNoTemplate, "%+v", c)
			continue
		}
		require.NoError(t, err, "%+v", c)
		require.Equal(t, *c.Want, got, "%+v", c)
	}
}

// TestProcessorTemplate reads chat_template.json where nothing else has a template.
func TestProcessorTemplate(t *testing.T) {
	s, err := templates.LoadFolder(writeFolder(t, map[string]json.RawMessage{
		"tokenizer_config.json": json.RawMessage(`{"eos_token": "<e>"}`),
		"chat_template.json":    json.RawMessage(`{"chat_template": "{{ messages[0].content }}{{ eos_token }}"}`),
	}))
	require.NoError(t, err)
	got, err := s.Render(chat{Messages: messages{{Role: "user", Content: "Hi"}}})
	require.NoError(t, err)
	require.Equal(t, "Hi<e>", got)
	got, err = s.Render(chat{Messages: messages{{Role: "user", Content: "Hi"}}, EOSToken: "<mine>"})
	require.NoError(t, err)
	require.Equal(t, "Hi<mine>", got)
}

// TestBadFolders holds that errors name file and member.
func TestBadFolders(t *testing.T) {
	for _, c := range []struct {
		file, text string
		want       []string
	}{
		{"tokenizer_config.json", `{"chat_template": 1}`, []string{"tokenizer_config.json: chat_template: ", "number"}},
		{"tokenizer_config.json", `[]`, []string{"tokenizer_config.json: ", "array"}},
		{"tokenizer_config.json", `{"bos_token": [1]}`, []string{"tokenizer_config.json: bos_token: "}},
		{"tokenizer_config.json", `{"chat_template": [{"template": "x"}]}`, []string{"chat_template: template 0 has no name"}},
		{"tokenizer_config.json", `{"chat_template": [{"name": "rag", "template": "{{"}]}`,
			[]string{`tokenizer_config.json: chat_template "rag": `, "line 1, column 1"}},
		{"chat_template.jinja", "\n{% if %}", []string{"chat_template.jinja: ", "line 2, column 7"}},
		{"additional_chat_templates/rag.jinja", "{% if %}", []string{filepath.Join("additional_chat_templates", "rag.jinja") + ": "}},
	} {
		text, err := json.Marshal(c.text)
		require.NoError(t, err)
		_, err = templates.LoadFolder(writeFolder(t, map[string]json.RawMessage{c.file: text}))
		for _, want := range c.want {
			require.ErrorContains(t, err, want)
		}
	}
	_, err := templates.NewSet(map[string]string{"rag": "{% if %}"})
	require.ErrorContains(t, err, `chat template "rag": templates: line 1, column 7`)
	require.ErrorIs(t, err, templates.ErrSyntax)
}

// TestGGUFTemplates reads a file that gguf-py wrote (testdata/dump.py).
func TestGGUFTemplates(t *testing.T) {
	f, err := gguf.Open("testdata/variants.gguf")
	require.NoError(t, err)
	defer f.Close()
	s, err := templates.FromGGUF(&f.Metadata)
	require.NoError(t, err)
	require.Equal(t, []string{"default", "rag", "tool_use"}, s.Names())
	hi := messages{{Role: "user", Content: "Hi"}}
	for _, c := range []struct {
		chat chat
		want string
	}{
		{chat{Messages: hi}, "list default: Hi <s></s><unk> True"},
		{chat{Messages: hi, Tools: []any{}}, "list tool_use: Hi <s></s><unk> False"},
		{chat{Messages: hi, Variant: "rag"}, "list rag: Hi <s></s><unk> True"},
	} {
		got, spans, err := s.RenderSpans(c.chat)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Empty(t, spans)
	}
	_, err = s.Render(chat{Messages: hi, Variant: "nope"})
	require.ErrorContains(t, err, `no chat template called "nope": the model has default, rag, tool_use`)
}

// keyValues are the metadata of a file.
type keyValues map[string]any

var errBad = errors.New("bad.gguf: wrong type")

func (m keyValues) Has(key string) bool { return m[key] != nil }
func (m keyValues) String(key string) (string, error) {
	return typed[string](m, key)
}
func (m keyValues) Strings(key string) ([]string, error) { return typed[[]string](m, key) }
func (m keyValues) Int(key string) (int64, error)        { return typed[int64](m, key) }

func typed[T any](m keyValues, key string) (v T, err error) {
	v, ok := m[key].(T)
	if !ok {
		err = errBad
	}
	return v, err
}

// TestBadGGUF holds that wrong types, dangling names and ids beyond the
// vocabulary are errors.
func TestBadGGUF(t *testing.T) {
	const template, names, tokens = "tokenizer.chat_template", "tokenizer.chat_templates", "tokenizer.ggml.tokens"
	const bos = "tokenizer.ggml.bos_token_id"
	for want, md := range map[string]keyValues{
		"bad.gguf: wrong type":                            {template: 1},
		"templates: bad.gguf":                             {template: "x", names: []string{"rag"}},
		"templates: bad.gguf: wrong":                      {names: "rag"},
		"tokenizer.chat_template: templates: line 1":      {template: "{{"},
		"tokenizer.ggml.bos_token_id: 2 is not a token":   {template: "x", tokens: []string{"a", "b"}, bos: int64(2)},
		"tokenizer.ggml.bos_token_id: -1 is not a token":  {template: "x", tokens: []string{"a", "b"}, bos: int64(-1)},
		"templates: bad.gguf: wrong type":                 {tokens: []string{"a", "b"}, bos: "1"},
		"tokenizer.chat_template.rag: templates: line 1,": {names: []string{"rag"}, template + ".rag": "{% if %}"},
	} {
		_, err := templates.FromGGUF(md)
		require.ErrorContains(t, err, want)
	}
	s, err := templates.FromGGUF(keyValues{})
	require.NoError(t, err)
	_, err = s.Render(chat{Messages: messages{{Role: "user"}}})
	require.ErrorIs(t, err, templates.ErrNoTemplate)
}

// TestThinking holds that one switch sets the variables that templates read.
func TestThinking(t *testing.T) {
	tmpl := mustCompile(t, "{{ enable_thinking is defined }} {{ enable_thinking }} {{ thinking }}")
	for _, c := range []struct {
		thinking *bool
		extra    map[string]any
		want     string
	}{
		{nil, nil, "False  "},
		{new(true), nil, "True True True"},
		{new(false), nil, "True False False"},
		{new(false), map[string]any{"thinking": "deep"}, "True False deep"},
	} {
		got, err := tmpl.Render(chat{Messages: messages{{Role: "user"}}, Thinking: c.thinking, Extra: c.extra})
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}
