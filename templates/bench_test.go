package templates_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// longChat is a conversation of n messages of about 400 bytes each.
func longChat(n int) templates.Chat {
	chat := templates.Chat{AddGenerationPrompt: true, BOSToken: "<s>", EOSToken: "</s>"}
	for i := range n {
		role := []string{"user", "assistant"}[i%2]
		text := fmt.Sprintf("%d: ", i) + strings.Repeat("lorem ipsum ", 33)
		chat.Messages = append(chat.Messages, templates.Message{Role: role, Content: text})
	}
	return chat
}

func smollm2(tb testing.TB) *templates.Template {
	data, err := os.ReadFile("testdata/smollm2.json")
	require.NoError(tb, err)
	var file parityFile
	require.NoError(tb, json.Unmarshal(data, &file))
	tmpl, err := templates.Compile(file.Templates["smollm2"].Template)
	require.NoError(tb, err)
	return tmpl
}

// BenchmarkRender renders a chat of 100 messages with SmolLM2's template.
func BenchmarkRender(b *testing.B) {
	tmpl, chat := smollm2(b), longChat(100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(chat); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRenderReal does so with the templates of other models.
func BenchmarkRenderReal(b *testing.B) {
	files, err := filepath.Glob("testdata/real/*.jinja")
	require.NoError(b, err)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jinja")
		tmpl, err := templates.Compile(realTemplate(b, name))
		require.NoError(b, err)
		chat := longChat(100)
		if _, err := tmpl.Render(chat); err != nil {
			continue // it wants content in parts
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Render(chat); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompile compiles SmolLM2's template.
func BenchmarkCompile(b *testing.B) {
	src := smollm2(b).Source()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Compile(src); err != nil {
			b.Fatal(err)
		}
	}
}
