package templates_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// snippetSeeds are the templates that testdata/snippets.json renders, and what
// it renders them with.
func snippetSeeds(f *testing.F) (sources []string, vars []byte) {
	data, err := os.ReadFile("testdata/snippets.json")
	require.NoError(f, err)
	var file struct {
		Vars  json.RawMessage `json:"vars"`
		Cases []struct {
			Template string `json:"template"`
		} `json:"cases"`
	}
	require.NoError(f, json.Unmarshal(data, &file))
	for _, c := range file.Cases {
		sources = append(sources, c.Template)
	}
	return sources, file.Vars
}

// FuzzCompile holds that any text compiles or is refused with a place in it.
func FuzzCompile(f *testing.F) {
	sources, _ := snippetSeeds(f)
	for _, src := range sources {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, err := templates.Compile(src)
		if err == nil || errors.Is(err, templates.ErrNoTemplate) {
			return
		}
		var placed *templates.Error
		require.ErrorAs(t, err, &placed)
		require.Positive(t, placed.Line)
		require.Positive(t, placed.Column)
	})
}

// FuzzRender holds that rendering any template with any data ends in bounded
// text or an error, and in the same one each time. The data is the variable
// messages, or all of the variables where it is a mapping.
func FuzzRender(f *testing.F) {
	sources, vars := snippetSeeds(f)
	for _, src := range sources {
		f.Add(src, vars)
	}
	small := templates.Limits{Steps: 100_000, Output: 1 << 16}
	f.Fuzz(func(t *testing.T, src string, data []byte) {
		v, err := templates.ParseJSON(data)
		tmpl, err2 := templates.Compile(src, templates.WithLimits(small), templates.WithClock(clock))
		if err != nil || err2 != nil {
			return
		}
		vars, ok := v.(*templates.Dict)
		if !ok {
			vars = dictOf(t, "messages", v)
		}
		text, err := tmpl.Execute(vars)
		require.LessOrEqual(t, len(text), 1<<16)
		again, err2 := tmpl.Execute(vars)
		if !strings.Contains(src, "random") {
			require.Equal(t, err, err2)
			require.Equal(t, text, again)
		}
	})
}

// FuzzParseJSON holds that what is accepted is JSON, that JSON within the
// limits is accepted, and that a template prints back what was read.
func FuzzParseJSON(f *testing.F) {
	_, vars := snippetSeeds(f)
	f.Add(vars)
	tmpl, err := templates.Compile("{{ x|tojson }}")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := templates.ParseJSON(data)
		if err != nil {
			limit := errors.Is(err, templates.ErrLimit) || strings.Contains(err.Error(), "digits")
			require.True(t, limit || !json.Valid(data), "%v", err)
			return
		}
		require.True(t, json.Valid(data))
		text, err := tmpl.Execute(dictOf(t, "x", v))
		if err != nil || strings.Contains(text, "Infinity") {
			return
		}
		again, err := templates.ParseJSON([]byte(text))
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

// FuzzFolder holds that any tokenizer_config.json gives templates or an error that
// names the file, and that what is chosen renders or fails within the limits.
func FuzzFolder(f *testing.F) {
	f.Add([]byte(`{"chat_template": "{{ bos_token }}", "bos_token": {"content": "<s>"}}`))
	f.Add([]byte(`{"chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "y"}]}`))
	f.Add([]byte(`{"chat_template": {"rag": "z"}, "eos_token": null}`))
	f.Add([]byte(`{"chat_template": [{"name": "", "template": 1}]}`))
	dir := f.TempDir()
	small := templates.WithLimits(templates.Limits{Steps: 100_000, Output: 1 << 16})
	f.Fuzz(func(t *testing.T, config []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), config, 0o600))
		set, err := templates.LoadFolder(dir, small)
		if err != nil {
			require.ErrorContains(t, err, "tokenizer_config.json")
			return
		}
		chat := chat{Messages: messages{{Role: "user", Content: "Hi"}}}
		for _, chat.Variant = range append(set.Names(), "") {
			text, err := set.Render(chat)
			require.True(t, err == nil || text == "")
			require.LessOrEqual(t, len(text), 1<<16)
		}
	})
}
