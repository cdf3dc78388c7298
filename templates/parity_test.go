package templates_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// clock is the time at which testdata/dump.py renders.
func clock() time.Time { return time.Date(2026, 3, 7, 9, 5, 2, 1234000, time.UTC) }

// outcome is what Python made of one rendering: text or an error.
type outcome struct {
	Want  *string `json:"want"`
	Error *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Line    int    `json:"line"`
	} `json:"error"`
}

type parityFile struct {
	Scenarios []json.RawMessage `json:"scenarios"`
	Templates map[string]struct {
		Template string    `json:"template"`
		Results  []outcome `json:"results"`
	} `json:"templates"`
}

// scenario decodes one conversation with its settings; keys it does not know
// are variables.
func scenario(t *testing.T, data []byte) (string, templates.Chat) {
	var known struct {
		Name                string              `json:"name"`
		Messages            []templates.Message `json:"messages"`
		Tools               []json.RawMessage   `json:"tools"`
		Documents           []json.RawMessage   `json:"documents"`
		AddGenerationPrompt bool                `json:"add_generation_prompt"`
		Continue            bool                `json:"continue_final_message"`
	}
	require.NoError(t, json.Unmarshal(data, &known))
	chat := templates.Chat{Messages: known.Messages, AddGenerationPrompt: known.AddGenerationPrompt,
		ContinueFinalMessage: known.Continue, BOSToken: "<s>", EOSToken: "</s>", Extra: map[string]any{}}
	chat.Tools, chat.Documents = anySlice(known.Tools), anySlice(known.Documents)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &all))
	fields := []string{"name", "messages", "tools", "documents", "add_generation_prompt", "continue_final_message"}
	for name, v := range all {
		if !slices.Contains(fields, name) {
			chat.Extra[name] = v
		}
	}
	return known.Name, chat
}

func anySlice(list []json.RawMessage) []any {
	if list == nil {
		return nil
	}
	out := []any{}
	for _, x := range list {
		out = append(out, x)
	}
	return out
}

func checkParity(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var file parityFile
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Templates)
	for name, ref := range file.Templates {
		t.Run(name, func(t *testing.T) {
			if ref.Template == "" {
				ref.Template = realTemplate(t, name)
			}
			require.Len(t, ref.Results, len(file.Scenarios))
			tmpl, err := templates.Compile(ref.Template, templates.WithClock(clock))
			if err != nil {
				for i, r := range ref.Results {
					require.NotNil(t, r.Error, "scenario %d renders in Python, but: %v", i, err)
				}
				return
			}
			for i, r := range ref.Results {
				title, chat := scenario(t, file.Scenarios[i])
				t.Run(title, func(t *testing.T) {
					got, err := tmpl.Render(chat)
					if r.Error != nil {
						require.Error(t, err, "Python says %s: %s", r.Error.Type, r.Error.Message)
						checkError(t, err, r, false)
						return
					}
					require.NoError(t, err)
					require.Equal(t, *r.Want, got)
				})
			}
		})
	}
}

func realTemplate(tb testing.TB, name string) string {
	text, err := os.ReadFile("testdata/real/" + name + ".jinja")
	require.NoError(tb, err)
	return string(text)
}

// TestSmolLM2 renders the template inside the SmolLM2 GGUF.
func TestSmolLM2(t *testing.T) { checkParity(t, "testdata/smollm2.json") }

// TestRealTemplates renders templates of released models.
func TestRealTemplates(t *testing.T) { checkParity(t, "testdata/real.json") }
