package templates_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// TestSnippets renders small templates for every feature of the language and
// compares with jinja2: the text, or that there is an error, and of errors in
// the template's text and of those it raises the line and the message too.
func TestSnippets(t *testing.T) {
	data, err := os.ReadFile("testdata/snippets.json")
	require.NoError(t, err)
	var file struct {
		Vars  json.RawMessage `json:"vars"`
		Cases []struct {
			Template string `json:"template"`
			outcome
		} `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(data, &file))
	vars, err := templates.ParseJSON(file.Vars)
	require.NoError(t, err)
	require.Greater(t, len(file.Cases), 1000)
	for _, c := range file.Cases {
		t.Run(c.Template, func(t *testing.T) {
			got, err := execute(c.Template, vars.(*templates.Dict))
			if c.Error == nil {
				require.NoError(t, err)
				require.Equal(t, *c.Want, got)
				return
			}
			require.Error(t, err, "Python says %s: %s", c.Error.Type, c.Error.Message)
			checkError(t, err, c.outcome, true)
		})
	}
}

func execute(src string, vars *templates.Dict) (string, error) {
	tmpl, err := templates.Compile(src, templates.WithClock(clock))
	if err != nil {
		return "", err
	}
	return tmpl.Execute(vars)
}

// checkError compares the kinds of errors whose words and place callers see.
// Python places an error at run time by statement, so its line is compared only
// where statements have one line.
func checkError(t *testing.T, err error, ref outcome, lines bool) {
	var placed *templates.Error
	if !errors.As(err, &placed) {
		return
	}
	switch ref.Error.Type {
	case "TemplateSyntaxError", "TemplateAssertionError":
		require.ErrorIs(t, err, templates.ErrSyntax)
		require.Equal(t, ref.Error.Line, placed.Line)
	case "TemplateError":
		require.ErrorIs(t, err, templates.ErrRaised)
		require.Equal(t, ref.Error.Message, placed.Message)
		require.True(t, !lines || ref.Error.Line == placed.Line, "line %d, want %d", placed.Line, ref.Error.Line)
	case "UndefinedError":
		require.Equal(t, ref.Error.Message, placed.Message)
		require.True(t, !lines || ref.Error.Line == placed.Line, "line %d, want %d", placed.Line, ref.Error.Line)
	}
}
