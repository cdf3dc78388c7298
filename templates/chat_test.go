package templates_test

import (
	"encoding/json"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

type (
	chat     = templates.Chat
	messages = []templates.Message
)

// show prints all that a template can see of a chat.
const show = `{{ messages|tojson }}|{{ tools|tojson }}|{{ documents|tojson }}|` +
	`{{ add_generation_prompt }}|{{ bos_token }}|{{ eos_token is defined }}|{{ thinking }}`

// TestTypedChat compares with what transformers shows of the same chat written
// as Python dicts.
func TestTypedChat(t *testing.T) {
	img := dictOf(t, "image_url", json.RawMessage(`{"url": "u"}`))
	extra := dictOf(t, "z", 1)
	require.NoError(t, extra.Set("a", []string{"x"}))
	parts := []templates.Part{{Type: "text", Text: "a"}, {Type: "image", Extra: img}}
	calls := []templates.ToolCall{{ID: "1", Name: "f", Arguments: json.RawMessage(`{"z": 1, "a": 2.0}`)}, {Name: "g"}}
	tests := []struct {
		name string
		chat chat
		want string
	}{
		{"plain",
			chat{Messages: messages{{Role: "user", Content: "Hi"}}, BOSToken: "<s>"},
			`[{"role": "user", "content": "Hi"}]|null|null|False|<s>|False|`},
		{"parts",
			chat{Messages: messages{{Role: "user", Parts: parts}}, EOSToken: "x"},
			`[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image", "image_url": {"url": "u"}}]}]` +
				`|null|null|False||True|`},
		{"tool calls",
			chat{Messages: messages{{Role: "assistant", ToolCalls: calls}}},
			`[{"role": "assistant", "content": "", "tool_calls": [` +
				`{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"z": 1, "a": 2.0}}}, ` +
				`{"type": "function", "function": {"name": "g", "arguments": {}}}]}]|null|null|False||False|`},
		{"tool result",
			chat{Messages: messages{{Role: "tool", Content: "r", Name: "f", ToolCallID: "1", Extra: extra}},
				AddGenerationPrompt: true},
			`[{"role": "tool", "content": "r", "name": "f", "tool_call_id": "1", "z": 1, "a": ["x"]}]|null|null|True||False|`},
		{"reasoning",
			chat{Messages: messages{{Role: "assistant", Content: "c", Reasoning: "r"}}, Extra: map[string]any{"thinking": true}},
			`[{"thinking": "r", "role": "assistant", "content": "c", "reasoning_content": "r"}]|null|null|False||False|True`},
		{"tools and documents",
			chat{Messages: messages{{Role: "user"}}, Documents: []any{},
				Tools: []any{json.RawMessage(`{"b": 1, "a": [true]}`), map[string]any{"y": 1, "x": nil}}},
			`[{"role": "user", "content": ""}]|[{"b": 1, "a": [true]}, {"x": null, "y": 1}]|[]|False||False|`},
	}
	tmpl := mustCompile(t, show)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tmpl.Render(tt.chat)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// TestChatErrors holds that what is wrong with a chat comes back in words.
func TestChatErrors(t *testing.T) {
	user := messages{{Role: "user", Content: "Hi"}}
	image := messages{{Role: "user", Parts: []templates.Part{{Type: "image"}}}}
	badCall := messages{{ToolCalls: []templates.ToolCall{{Name: "f", Arguments: func() {}}}}}
	tests := []struct {
		name, src string
		chat      chat
		want      string
	}{
		{"no messages", show, chat{}, "empty conversation"},
		{"tool is no object", show, chat{Messages: user, Tools: []any{json.RawMessage(`[1]`)}},
			"tools: 0: must be an object, not list"},
		{"tool is no JSON", show, chat{Messages: user, Tools: []any{json.RawMessage(`{"a": `)}}, "JSON at byte"},
		{"bad arguments", show, chat{Messages: badCall}, "tool call 0 (f)"},
		{"bad variable", show, chat{Messages: user, Extra: map[string]any{"x": make(chan int)}}, `variable "x"`},
		{"continue and generate", show, chat{Messages: user, AddGenerationPrompt: true, ContinueFinalMessage: true},
			"exclude each other"},
		{"nothing to continue", "content", chat{Messages: image, ContinueFinalMessage: true}, "no text part"},
		{"no such field", show, chat{Messages: user, ContinueFinalMessage: true, ContinueField: "reasoning"},
			`no "reasoning"`},
		{"field unused", "{{ 1 }}", chat{Messages: user, ContinueFinalMessage: true}, "does not use"},
		{"final message dropped", "content", chat{Messages: user, ContinueFinalMessage: true}, "does not appear"},
		{"raised", "a\n  {{ raise_exception('no ' ~ messages[0].role) }}", chat{Messages: user},
			"line 2, column 21: no user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mustCompile(t, tt.src).Render(tt.chat)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "templates: ")
		})
	}
}

// TestContinueReasoning continues what an assistant thought, not what it said.
func TestContinueReasoning(t *testing.T) {
	tmpl := mustCompile(t, "{% for m in messages %}<{{ m.reasoning_content }}>{{ m.content }}{% endfor %}")
	got, err := tmpl.Render(chat{
		Messages:             messages{{Role: "assistant", Content: "c", Reasoning: "so far"}},
		ContinueFinalMessage: true, ContinueField: "reasoning_content",
	})
	require.NoError(t, err)
	require.Equal(t, "<so far", got)
}

// TestGenerationSpans compares the spans of generation tags with Python's,
// which count characters where ours count bytes.
func TestGenerationSpans(t *testing.T) {
	data, err := os.ReadFile("testdata/generation.json")
	require.NoError(t, err)
	var cases []struct {
		Template string              `json:"template"`
		Messages []templates.Message `json:"messages"`
		Want     string              `json:"want"`
		Spans    [][2]int            `json:"spans"`
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		tmpl, err := templates.Compile(c.Template)
		require.NoError(t, err)
		got, spans, err := tmpl.RenderSpans(templates.Chat{Messages: c.Messages})
		require.NoError(t, err)
		require.Equal(t, c.Want, got)
		require.Len(t, spans, len(c.Spans))
		for i, s := range spans {
			from := utf8.RuneCountInString(got[:s.Start])
			require.Equal(t, c.Spans[i], [2]int{from, from + utf8.RuneCountInString(got[s.Start:s.End])})
		}
	}
	_, _, err = mustCompile(t, "x").RenderSpans(templates.Chat{ContinueFinalMessage: true})
	require.Error(t, err)
}

func mustCompile(t *testing.T, src string) *templates.Template {
	tmpl, err := templates.Compile(src)
	require.NoError(t, err)
	return tmpl
}

// TestUnsupported holds that what is left out says so.
func TestUnsupported(t *testing.T) {
	_, err := templates.Compile("")
	require.ErrorIs(t, err, templates.ErrNoTemplate)
	for src, want := range map[string]string{
		"{% autoescape true %}{% endautoescape %}": "autoescape",
		"{{ '\\N{DASH}' }}":                        `\N`,
		"{{ 'a'.encode() }}":                       "encode",
		"{{ 'a'|urlize }}":                         "urlize",
		"{{ lipsum() }}":                           "lipsum",
		"{{ (-8) ** 0.5 }}":                        "fractional power",
	} {
		_, err := execute(src, templates.NewDict())
		require.ErrorContains(t, err, want)
	}
}
