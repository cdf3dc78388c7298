package templates_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"forge.lthn.ai/core/go-mlx/templates"
)

const chatML = `{% for message in messages %}
<|im_start|>{{ message.role }}
{{ message.content | trim }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}`

func Example() {
	tmpl, err := templates.Compile(chatML)
	if err != nil {
		fmt.Println(err)
		return
	}
	prompt, err := tmpl.Render(templates.Chat{
		Messages: []templates.Message{
			{Role: "system", Content: "You are terse."},
			{Role: "user", Content: "Hello!  "},
		},
		AddGenerationPrompt: true,
	})
	fmt.Print(prompt, err)
	// Output:
	// <|im_start|>system
	// You are terse.<|im_end|>
	// <|im_start|>user
	// Hello!<|im_end|>
	// <|im_start|>assistant
	// <nil>
}

// Tools given as raw JSON keep the order of their keys.
func ExampleTemplate_Render_tools() {
	tmpl, _ := templates.Compile(`{% for t in tools %}{{ t | tojson }}{% endfor %}`)
	prompt, err := tmpl.Render(templates.Chat{
		Messages: []templates.Message{{Role: "user", Content: "Weather?"}},
		Tools:    []any{json.RawMessage(`{"type": "function", "function": {"name": "weather", "description": "<now>"}}`)},
	})
	fmt.Println(prompt, err)
	// Output: {"type": "function", "function": {"name": "weather", "description": "<now>"}} <nil>
}

// A template may refuse its input; the error carries its own words and place.
func ExampleError() {
	tmpl, _ := templates.Compile(`{% if messages[0].role != 'user' %}
{{ raise_exception('The first turn must be the user\'s, not ' ~ messages[0].role) }}
{% endif %}`)
	_, err := tmpl.Render(templates.Chat{Messages: []templates.Message{{Role: "tool", Content: "x"}}})
	var e *templates.Error
	if errors.As(err, &e) && errors.Is(err, templates.ErrRaised) {
		fmt.Println(e.Line, e.Message)
	}
	// Output: 2 The first turn must be the user's, not tool
}

func ExampleTemplate_RenderSpans() {
	tmpl, _ := templates.Compile(`{% for m in messages %}{% if m.role == 'assistant' %}` +
		`A: {% generation %}{{ m.content }}{% endgeneration %} {% else %}Q: {{ m.content }} {% endif %}{% endfor %}`)
	text, spans, err := tmpl.RenderSpans(templates.Chat{Messages: []templates.Message{
		{Role: "user", Content: "2+2?"}, {Role: "assistant", Content: "4"}}})
	fmt.Printf("%q %v\n", text, err)
	for _, s := range spans {
		fmt.Printf("%q\n", text[s.Start:s.End])
	}
	// Output:
	// "Q: 2+2? A: 4 " <nil>
	// "4"
}

func ExampleTemplate_Execute() {
	tmpl, _ := templates.Compile(`{{ greeting ~ ', ' ~ names | join(' and ') }}`)
	vars := templates.NewDict()
	_ = vars.Set("greeting", "Hello")
	_ = vars.Set("names", []string{"Ann", "Bob"})
	fmt.Println(tmpl.Execute(vars))
	// Output: Hello, Ann and Bob <nil>
}

func ExampleWithClock() {
	noon := func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }
	tmpl, _ := templates.Compile(`Today is {{ strftime_now('%d %B %Y') }}.`, templates.WithClock(noon))
	fmt.Println(tmpl.Execute(templates.NewDict()))
	// Output: Today is 02 January 2026. <nil>
}

func ExampleWithLimits() {
	tmpl, _ := templates.Compile(`{% for i in range(100000) %}x{% endfor %}`,
		templates.WithLimits(templates.Limits{Output: 1000}))
	_, err := tmpl.Execute(templates.NewDict())
	fmt.Println(errors.Is(err, templates.ErrLimit), err)
	// Output: true templates: line 1, column 29: output larger than 1000 bytes
}

// Errors in a template's text name the place.
func ExampleCompile() {
	_, err := templates.Compile("{% for m in messages %}\n{{ m.content }\n{% endfor %}")
	fmt.Println(errors.Is(err, templates.ErrSyntax), err)
	// Output: true templates: line 2, column 14: unexpected '}'
}

// Messages from an API keep every key, known or not, and its order.
func ExampleParseMessages() {
	messages, err := templates.ParseMessages([]byte(`[{"role": "user", "content": "Hi", "priority": 1}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	tmpl, _ := templates.Compile(`{% for m in messages %}{{ m | tojson }}{% endfor %}`)
	fmt.Println(tmpl.Render(templates.Chat{Messages: messages}))
	// Output: {"role": "user", "content": "Hi", "priority": 1} <nil>
}

// The prompt ends within the last message, for the model to carry on.
func ExampleTemplate_Render_continue() {
	tmpl, _ := templates.Compile(chatML)
	prompt, err := tmpl.Render(templates.Chat{
		Messages: []templates.Message{
			{Role: "user", Content: "Count to three."},
			{Role: "assistant", Content: "One, two"},
		},
		ContinueFinalMessage: true,
	})
	fmt.Printf("%s|%v\n", prompt, err)
	// Output:
	// <|im_start|>user
	// Count to three.<|im_end|>
	// <|im_start|>assistant
	// One, two|<nil>
}

// Variables that a template documents, such as switches for thinking, go in
// Extra.
func ExampleChat() {
	tmpl, _ := templates.Compile(`{{ messages[0].content }}{% if enable_thinking is false %} /no_think{% endif %}`)
	fmt.Println(tmpl.Render(templates.Chat{
		Messages: []templates.Message{{Role: "user", Content: "2+2?"}},
		Extra:    map[string]any{"enable_thinking": false},
	}))
	// Output: 2+2? /no_think <nil>
}

// A tool call's arguments keep their order as raw JSON or as a Dict.
func ExampleToolCall() {
	args := templates.NewDict()
	_ = args.Set("to", "Bern")
	_ = args.Set("from", "Basel")
	tmpl, _ := templates.Compile(
		`{% for c in messages[0].tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}`)
	fmt.Println(tmpl.Render(templates.Chat{Messages: []templates.Message{
		{Role: "assistant", ToolCalls: []templates.ToolCall{{Name: "book", Arguments: args}}}}}))
	// Output: book{"to": "Bern", "from": "Basel"} <nil>
}

func ExampleValueOf() {
	v, err := templates.ValueOf(struct {
		City string   `json:"city"`
		Days []int    `json:"days"`
		Note *string  `json:"note"`
		Temp *float64 `json:"temp,omitempty"`
	}{City: "Zürich", Days: []int{1, 2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	vars := templates.NewDict()
	_ = vars.Set("trip", v)
	tmpl, _ := templates.Compile(`{{ trip }}`)
	fmt.Println(tmpl.Execute(vars))
	// Output: {'city': 'Zürich', 'days': [1, 2], 'note': None} <nil>
}

// A folder as it comes from Hugging Face may have several templates; chats with
// tools take the one for tools.
func ExampleLoadFolder() {
	dir, _ := os.MkdirTemp("", "model")
	defer os.RemoveAll(dir)
	_ = os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"bos_token": "<s>", "chat_template": [
		{"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"},
		{"name": "tool_use", "template": "{{ bos_token }}{{ tools | length }} tools: {{ messages[0].content }}"}]}`), 0o600)
	set, err := templates.LoadFolder(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	chat := templates.Chat{Messages: []templates.Message{{Role: "user", Content: "Hi"}}}
	fmt.Println(set.Render(chat))
	chat.Tools = []any{json.RawMessage(`{"name": "f"}`)}
	fmt.Println(set.Render(chat))
	chat.Variant = "rag"
	_, err = set.Render(chat)
	fmt.Println(err)
	// Output:
	// <s>Hi <nil>
	// <s>1 tools: Hi <nil>
	// templates: no chat template called "rag": the model has default, tool_use
}

func ExampleNewSet() {
	set, _ := templates.NewSet(map[string]string{"default": "chat", "rag": "{{ documents[0].text }}"})
	fmt.Println(set.Names())
	fmt.Println(set.Render(templates.Chat{
		Messages:  []templates.Message{{Role: "user", Content: "Summarise"}},
		Documents: []any{map[string]any{"text": "Once upon a time"}},
		Variant:   "rag",
	}))
	// Output:
	// [default rag]
	// Once upon a time <nil>
}

// Models that come without a template take one of a well-known format.
func ExampleNamed() {
	tmpl, _ := templates.Named("chatml")
	prompt, err := tmpl.Render(templates.Chat{
		Messages:            []templates.Message{{Role: "user", Content: "Hi"}},
		AddGenerationPrompt: true,
	})
	fmt.Print(prompt, err)
	// Output:
	// <|im_start|>user
	// Hi<|im_end|>
	// <|im_start|>assistant
	// <nil>
}

// A file's metadata as package gguf reads it will do; here it is a map.
func ExampleFromGGUF() {
	set, _ := templates.FromGGUF(keyValues{
		"tokenizer.chat_template":      "{{ bos_token }}{{ messages[0].content }}",
		"tokenizer.ggml.tokens":        []string{"<unk>", "<s>"},
		"tokenizer.ggml.bos_token_id":  int64(1),
		"tokenizer.chat_templates":     []string{"rag"},
		"tokenizer.chat_template.rag":  "documents",
		"tokenizer.ggml.token_type":    []int64{2, 3},
		"general.architecture":         "llama",
		"tokenizer.ggml.add_bos_token": true,
	})
	fmt.Println(set.Names(), set.Token("bos_token"))
	fmt.Println(set.Render(templates.Chat{Messages: []templates.Message{{Role: "user", Content: "Hi"}}}))
	// Output:
	// [default rag] <s>
	// <s>Hi <nil>
}

// One switch for models that can think before they answer.
func ExampleChat_thinking() {
	tmpl, _ := templates.Compile(`{{ '<think>' if enable_thinking else '<no think>' }}`)
	fmt.Println(tmpl.Render(templates.Chat{
		Messages: []templates.Message{{Role: "user", Content: "2+2?"}},
		Thinking: new(false),
	}))
	// Output: <no think> <nil>
}
