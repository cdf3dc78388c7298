package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
)

// written is a file with that text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// show is a template that shows what it is given.
const show = `{{ messages | tojson }}|{{ tools | tojson }}|{{ add_generation_prompt }}|{{ x }}|{{ enable_thinking }}`

const chatJSON = `[{"role": "user", "content": "a <b>"}, {"role": "assistant", "content": "c"}]`

// TestTemplate holds what each flag puts in front of a template.
func TestTemplate(t *testing.T) {
	file := written(t, "show.jinja", show)
	messages := written(t, "chat.json", chatJSON)
	tools := written(t, "tools.json", `[{"z": 1, "a": 2.0}]`)
	const user = `{"role": "user", "content": "a <b>"}, {"role": "assistant", "content": "c"}`
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"prompt", "", []string{"-p", "Hi"}, `[{"role": "user", "content": "Hi"}]|null|True||`},
		{"system", "", []string{"--system=S", "-p", "Hi"},
			`[{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]|null|True||`},
		{"messages", "", []string{"--messages", messages, "--no-generation-prompt"}, "[" + user + "]|null|False||"},
		{"around messages", "", []string{"--messages", messages, "--system=S", "-p", "Hi"},
			`[{"role": "system", "content": "S"}, ` + user + `, {"role": "user", "content": "Hi"}]|null|True||`},
		{"standard input", chatJSON, []string{"--messages=-"}, "[" + user + "]|null|True||"},
		{"a request", `{"messages": ` + chatJSON + `, "tools": [{"b": 1}], "model": "m"}`, []string{"--messages=-"},
			"[" + user + `]|[{"b": 1}]|True||`},
		{"tools", "", []string{"-p", "Hi", "--tools", tools},
			`[{"role": "user", "content": "Hi"}]|[{"z": 1, "a": 2.0}]|True||`},
		{"variables", "", []string{"-p", "Hi", "--var", `x={"b": [1, 2.0]}`, "--thinking=off"},
			`[{"role": "user", "content": "Hi"}]|null|True|{'b': [1, 2.0]}|False`},
		{"a text variable", "", []string{"-p", "Hi", "--var", `x=a=b, c`, "--thinking=on"},
			`[{"role": "user", "content": "Hi"}]|null|True|a=b, c|True`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := call(t, c.stdin, append([]string{"template", "--template", file}, c.args...)...)
			require.Equal(t, outcome{0, c.want, ""}, o)
		})
	}
	o := call(t, "", "template", "--template=chatml", "--messages", messages, "--continue")
	require.Equal(t, outcome{0, "<|im_start|>user\na <b><|im_end|>\n<|im_start|>assistant\nc", ""}, o)
}

// TestTemplateOfAModel renders what transformers renders with SmolLM2's template
// (templates/testdata/smollm2.json), and chooses among a folder's templates.
func TestTemplateOfAModel(t *testing.T) {
	data, err := os.ReadFile("../../templates/testdata/smollm2.json")
	require.NoError(t, err)
	var ref struct {
		Scenarios []json.RawMessage
		Templates map[string]struct{ Results []struct{ Want string } }
	}
	require.NoError(t, json.Unmarshal(data, &ref))
	model := testmodels.RequireSmolLM2(t)
	compared := 0
	for i, s := range ref.Scenarios {
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(s, &fields))
		if fields["add_generation_prompt"] == nil || len(fields) > 4 || ref.Templates["smollm2"].Results[i].Want == "" {
			continue // with settings beside messages and tools, or an error
		}
		o := call(t, string(s), "template", "--model", model, "--messages=-")
		require.Equal(t, outcome{0, ref.Templates["smollm2"].Results[i].Want, ""}, o, string(fields["name"]))
		compared++
	}
	require.Greater(t, compared, 15)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"bos_token": "<s>", "chat_template": [
		{"name": "default", "template": "{{ bos_token }}default"}, {"name": "tool_use", "template": "{{ bos_token }}tools"}]}`), 0o600))
	for want, args := range map[string][]string{
		"<s>default": {},
		"<s>tools":   {"--tools", written(t, "tools.json", `[{"a": 1}]`)},
		"tools":      {"--variant=tool_use", "--template", written(t, "t.jinja", "tools")},
		"<s>":        {"--template", written(t, "t.jinja", "{{ bos_token }}")},
	} {
		o := call(t, "", append([]string{"template", "--model", dir, "-p", "Hi"}, args...)...)
		require.Equal(t, outcome{0, want, ""}, o)
	}
}

// TestTemplateSpans compares the parts that an assistant wrote with those that
// transformers marks, and holds that all parts together are the prompt.
func TestTemplateSpans(t *testing.T) {
	data, err := os.ReadFile("../../templates/testdata/generation.json")
	require.NoError(t, err)
	var cases []struct {
		Template string          `json:"template"`
		Messages json.RawMessage `json:"messages"`
		Want     string          `json:"want"`
		Spans    [][2]int        `json:"spans"`
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		o := call(t, string(c.Messages), "template", "--template", written(t, "t.jinja", c.Template),
			"--messages=-", "--no-generation-prompt", "--json")
		require.Zero(t, o.code, o.err)
		var p prompt
		require.NoError(t, json.Unmarshal([]byte(o.out), &p))
		require.Equal(t, c.Want, p.Prompt)
		require.True(t, p.Masked)
		var all, said, want strings.Builder
		for _, part := range p.Parts {
			require.Equal(t, p.Prompt[part.Start:part.End], part.Text)
			all.WriteString(part.Text)
			if part.Assistant {
				said.WriteString(part.Text)
			}
		}
		for _, s := range c.Spans { // in characters, which are bytes here
			want.WriteString(c.Want[s[0]:s[1]])
		}
		require.Equal(t, c.Want, all.String())
		require.Equal(t, want.String(), said.String())
	}
}

// TestTemplateParts tells special tokens and roles from text: those of the model
// where there is one, else what looks like one.
func TestTemplateParts(t *testing.T) {
	type piece struct{ Kind, Text string }
	parts := func(args ...string) (list []piece) {
		o := call(t, "", append([]string{"template", "--json", "--system=S", "-p", "[INST] hello"}, args...)...)
		require.Zero(t, o.code, o.err)
		var p prompt
		require.NoError(t, json.Unmarshal([]byte(o.out), &p))
		for _, part := range p.Parts {
			list = append(list, piece{part.Kind, part.Text})
		}
		return list
	}
	require.Equal(t, []piece{{"special", "<|im_start|>"}, {"role", "system"}, {"text", "\nS"}, {"special", "<|im_end|>"},
		{"text", "\n"}, {"special", "<|im_start|>"}, {"role", "user"}, {"text", "\n[INST] hello"}, {"special", "<|im_end|>"},
		{"text", "\n"}, {"special", "<|im_start|>"}, {"role", "assistant"}, {"text", "\n"}},
		parts("--model", testmodels.RequireSmolLM2(t)))
	require.Equal(t, []piece{{"special", "<|im_start|>"}, {"role", "user"}, {"text", "\n"}, {"special", "[INST]"}, {"text", " hello"},
		{"special", "<|im_end|>"}, {"text", "\n"}},
		parts("--template=chatml", "--no-generation-prompt")[5:])
}

// TestPaint colours special tokens and roles, underlines the assistant's words and
// shows control characters instead of obeying them.
func TestPaint(t *testing.T) {
	p := prompt{Prompt: "<s>user\x1b[2J", Parts: []part{{Kind: "special", Text: "<s>"}, {Kind: "role", Text: "user"},
		{Kind: "text", Text: "\x1b[2J"}, {Kind: "text", Text: "é\n", Assistant: true}}}
	require.Equal(t, dim+"<s>"+plain+bold+"user"+plain+"␛[2J"+underline+"é\n"+plain+"\n", p.paint(true))
	require.Equal(t, "<s>user␛[2Jé\n\n", p.paint(false))
}

func TestTemplateErrors(t *testing.T) {
	broken := written(t, "broken.jinja", "a\n{% if %}")
	notJSON := written(t, "not.json", "x")
	empty := written(t, "empty.json", "{}")
	strict := written(t, "strict.jinja", "{{ raise_exception('no') }}")
	for _, c := range []struct {
		code int
		args []string
		want []string
	}{
		{exitUsage, []string{"-p", "Hi"}, []string{"--model or --template", "see mlx template --help"}},
		{exitUsage, []string{"--template=chatml"}, []string{"--messages or --prompt"}},
		{exitUsage, []string{"--template=chatml", "-p", "x", "--var=x"}, []string{"--var=x is not NAME=VALUE"}},
		{exitUsage, []string{"--template=chatml", "-p", "x", "--thinking=maybe"}, []string{"--thinking"}},
		{exitFailed, []string{"--template=none", "-p", "x"}, []string{"no file none", "chatml, gemma"}},
		{exitFailed, []string{"--template", broken, "-p", "x"}, []string{broken, "line 2, column 7"}},
		{exitFailed, []string{"--template", strict, "-p", "x"}, []string{"line 1, column 19: no"}},
		{exitFailed, []string{"--template=chatml", "--messages", notJSON}, []string{notJSON, "invalid character 'x'"}},
		{exitFailed, []string{"--template=chatml", "--messages", empty}, []string{empty, "no messages"}},
		{exitFailed, []string{"--template=chatml", "--messages=nowhere.json"}, []string{"reading the messages", "nowhere.json"}},
		{exitFailed, []string{"--template=chatml", "-p", "x", "--tools", empty}, []string{empty, "tools"}},
		{exitFailed, []string{"--model", t.TempDir(), "-p", "x"}, []string{"no chat template"}},
		{exitFailed, []string{"--model=nowhere", "-p", "x"}, []string{"no model nowhere"}},
		{exitFailed, []string{"--template=chatml", "--variant=rag", "--model", t.TempDir(), "--messages", empty}, []string{"no messages"}},
	} {
		requireSentence(t, call(t, "", append([]string{"template"}, c.args...)...), c.code, c.want...)
	}
}
