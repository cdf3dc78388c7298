package templates_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// TestNamedTemplates holds that the templates of our own render plain chats as
// those of released models do.
func TestNamedTemplates(t *testing.T) {
	dir, file := readReleased(t)
	user := []string{"plain generation", "multi turn", "content with spaces"}
	system := []string{"system", "multi turn, system, ends with assistant"}
	tests := map[string]struct {
		model     string
		scenarios []string
	}{
		"chatml":  {"Qwen-Qwen2.5-7B-Instruct", append([]string{"content with spaces", "unicode"}, system...)},
		"llama3":  {"lenml-llama3", []string{"plain generation", "multi turn", "system", "unicode"}},
		"gemma":   {"lenml-gemma3", slices.Concat(user, system, []string{"plain"})},
		"mistral": {"mistralai-Mistral-Nemo-Instruct-2407", slices.Concat(user, system, []string{"unicode"})},
		"phi3":    {"microsoft-Phi-3.5-mini-instruct", slices.Concat(user, system, []string{"plain", "empty content"})},
	}
	require.Len(t, templates.Names(), len(tests))
	for _, name := range templates.Names() {
		tmpl, err := templates.Named(name)
		require.NoError(t, err)
		tt := tests[name]
		model, compared := releasedTemplate(t, dir, tt.model), 0
		for _, data := range file.Scenarios {
			title, chat := scenario(t, data)
			if !slices.Contains(tt.scenarios, title) {
				continue
			}
			want, err := model.Render(chat)
			require.NoError(t, err, title)
			got, err := tmpl.Render(chat)
			require.NoError(t, err, title)
			require.Equal(t, want, got, "%s: %s", name, title)
			compared++
		}
		require.Equal(t, len(tt.scenarios), compared)
	}
	_, err := templates.Named("alpaca")
	require.ErrorIs(t, err, templates.ErrNoTemplate)
	require.ErrorContains(t, err, `called "alpaca": there are chatml, gemma, llama3, mistral, phi3`)
	_, err = templates.Named("../named/phi3")
	require.ErrorIs(t, err, templates.ErrNoTemplate)
}
