package templates_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/templates"
)

// releasedFile is testdata/released.json: what transformers makes of every
// template and scenario, as digests. That of a text is a hash; that of an error
// its type, a space and a hash of its message.
type releasedFile struct {
	Versions  []string
	Scenarios []json.RawMessage
	Templates map[string][]string
	Spans     map[string][]string // of the templates with generation tags: the text and its spans
}

func readReleased(t *testing.T) (dir string, file releasedFile) {
	if testing.Short() {
		t.Skip("the templates of 75 released models are fetched the first time, 186 MB")
	}
	data, err := os.ReadFile("testdata/released.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	for i, s := range file.Scenarios {
		file.Scenarios[i] = lengthen(s)
	}
	return testmodels.RequireChatTemplates(t), file
}

// repeated is how the file writes the texts of very long messages.
var repeated = regexp.MustCompile(`"<repeat (\d+)>([^"]*)"`)

func lengthen(data []byte) []byte {
	return repeated.ReplaceAllFunc(data, func(text []byte) []byte {
		parts := repeated.FindSubmatch(text)
		n, _ := strconv.Atoi(string(parts[1]))
		return []byte(`"` + strings.Repeat(string(parts[2]), n) + `"`)
	})
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// TestReleasedTemplates renders the chat templates of 75 released models with
// every scenario and requires transformers' text, or an error where it has one.
func TestReleasedTemplates(t *testing.T) {
	dir, file := readReleased(t)
	require.Len(t, file.Templates, 75)
	require.Greater(t, len(file.Scenarios), 30)
	for name, want := range file.Templates {
		t.Run(name, func(t *testing.T) {
			tmpl := releasedTemplate(t, dir, name)
			require.Len(t, want, len(file.Scenarios))
			for i, data := range file.Scenarios {
				title, chat := scenario(t, data)
				got, err := tmpl.Render(chat)
				requireDigest(t, want[i], got, got, err, dir, name, title)
			}
		})
	}
}

// TestReleasedSpans compares the spans of generation tags, in characters.
func TestReleasedSpans(t *testing.T) {
	dir, file := readReleased(t)
	require.Len(t, file.Spans, 4)
	for name, want := range file.Spans {
		t.Run(name, func(t *testing.T) {
			tmpl := releasedTemplate(t, dir, name)
			for i, data := range file.Scenarios {
				title, chat := scenario(t, data)
				chat.ContinueFinalMessage = false
				got, spans, err := tmpl.RenderSpans(chat)
				requireDigest(t, want[i], got+showSpans(got, spans), got, err, dir, name, title)
			}
		})
	}
}

// showSpans prints spans as Python prints a list of lists.
func showSpans(text string, spans []templates.Span) string {
	list := make([]string, len(spans))
	for i, s := range spans {
		from := utf8.RuneCountInString(text[:s.Start])
		list[i] = fmt.Sprintf("[%d, %d]", from, from+utf8.RuneCountInString(text[s.Start:s.End]))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func releasedTemplate(tb testing.TB, dir, name string) *templates.Template {
	src, err := os.ReadFile(filepath.Join(dir, name+".jinja"))
	require.NoError(tb, err)
	tmpl, err := templates.Compile(string(src), templates.WithClock(clock))
	require.NoError(tb, err)
	return tmpl
}

// requireDigest compares text or err with a digest; shown is what a failure prints.
func requireDigest(t *testing.T, want, text, shown string, err error, dir, name, title string) {
	t.Helper()
	hint := fmt.Sprintf("python testdata/dump.py show '%s' '%s'", filepath.Join(dir, name+".jinja"), title)
	kind, message, failed := strings.Cut(want, " ")
	if !failed {
		require.NoError(t, err, hint)
		require.Equal(t, want, digest(text), "%s\n%s", hint, shown)
		return
	}
	require.Error(t, err, hint)
	var placed *templates.Error
	if kind == "TemplateError" || kind == "UndefinedError" { // those whose words callers see
		if errors.As(err, &placed) {
			require.Equal(t, message, digest(placed.Message), "%s\n%v", hint, err)
		}
	}
}
