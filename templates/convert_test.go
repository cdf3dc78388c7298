package templates_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

type inner struct {
	Deep string `json:"deep"`
}

type sample struct {
	inner
	Name    string            `json:"name"`
	Count   uint64            `json:"count,omitempty"`
	Ratio   float32           `json:"ratio"`
	Hidden  string            `json:"-"`
	Plain   *int              // nil
	Labels  map[string]string `json:"labels,omitempty"`
	private int
}

// TestValueOf prints converted Go values as Python would the same data.
func TestValueOf(t *testing.T) {
	seven := 7
	tests := []struct {
		in   any
		want string
	}{
		{nil, "None"}, {true, "True"}, {42, "42"}, {int8(-3), "-3"}, {uint64(1<<64 - 1), "18446744073709551615"},
		{2.0, "2.0"}, {float32(0.5), "0.5"}, {"a\xffb", "a\uFFFDb"}, {&seven, "7"}, {(*int)(nil), "None"},
		{(*templates.Dict)(nil), "None"},
		{[]string{"a", "b"}, "['a', 'b']"}, {[2]int{1, 2}, "[1, 2]"},
		{map[string]any{"b": 1, "a": nil}, "{'a': None, 'b': 1}"},
		{json.RawMessage(`{"b": 1.0, "a": 1}`), "{'b': 1.0, 'a': 1}"},
		{json.Number("1e2"), "100.0"}, {json.Number("12345678901234567890"), "12345678901234567890"},
		{[]byte(`[1, "x"]`), "[1, 'x']"}, {new(big.Int).Lsh(big.NewInt(1), 70), "1180591620717411303424"},
		{sample{inner: inner{"d"}, Name: "n", Ratio: 1.5, private: 1},
			"{'deep': 'd', 'name': 'n', 'ratio': 1.5, 'Plain': None}"},
		{templates.Message{Role: "user", Content: "c"}, "{'role': 'user', 'content': 'c'}"},
	}
	tmpl := mustCompile(t, "{{ x }}")
	for _, tt := range tests {
		vars := templates.NewDict()
		require.NoError(t, vars.Set("x", tt.in))
		got, err := tmpl.Execute(vars)
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
	for _, bad := range []any{
		make(chan int), func() {}, map[int]string{1: "x"}, complex(1, 2), json.RawMessage("{"), []any{[]any{func() {}}},
	} {
		_, err := templates.ValueOf(bad)
		require.ErrorContains(t, err, "templates: cannot convert")
	}
	type loop struct{ Next *loop }
	circle := &loop{}
	circle.Next = circle
	_, err := templates.ValueOf(circle)
	require.ErrorIs(t, err, templates.ErrLimit)
}

// TestParseJSON holds that order, the last of duplicate keys and large numbers
// survive, and that anything else is refused.
func TestParseJSON(t *testing.T) {
	for _, bad := range []string{
		"", "{", "[1", `{"a" 1}`, "[1] 2", "nul", `{"a": }`, strings.Repeat("[", 5000), "1" + strings.Repeat("0", 5000),
	} {
		_, err := templates.ParseJSON([]byte(bad))
		require.ErrorContains(t, err, "templates: JSON at byte")
	}
	v, err := templates.ParseJSON([]byte(`{"z": 1, "a": {"y": null}, "z": 2, "big": 9223372036854775808, "f": 1e0}`))
	require.NoError(t, err)
	got, err := mustCompile(t, "{{ x }}").Execute(dictOf(t, "x", v))
	require.NoError(t, err)
	require.Equal(t, "{'z': 2, 'a': {'y': None}, 'big': 9223372036854775808, 'f': 1.0}", got)
}

func dictOf(t *testing.T, name string, v any) *templates.Dict {
	d := templates.NewDict()
	require.NoError(t, d.Set(name, v))
	return d
}

// TestDict holds that a mapping keeps its order through growth and replacement.
func TestDict(t *testing.T) {
	d := templates.NewDict()
	for i := range 100 {
		require.NoError(t, d.Set(strings.Repeat("k", 100-i), i))
	}
	require.NoError(t, d.Set("kk", "replaced"))
	require.Equal(t, 100, d.Len())
	n := 0
	for k := range d.All() {
		text, err := mustCompile(t, "{{ k|length }}").Execute(dictOf(t, "k", k))
		require.NoError(t, err)
		require.Equal(t, templatesInt(100-n), text)
		n++
	}
	_, ok := d.Get("missing")
	require.False(t, ok)
	_, ok = d.Get("kk")
	require.True(t, ok)
	require.Error(t, d.Set("bad", func() {}))
	require.Equal(t, 100, d.Len())
}

func templatesInt(n int) string { return big.NewInt(int64(n)).String() }

// TestParseMessages holds that messages render as they came, but for nulls.
func TestParseMessages(t *testing.T) {
	list, err := templates.ParseMessages([]byte(
		`[{"content": "c", "custom": {"b": 1, "a": 2}, "role": "user", "tool_calls": null}]`))
	require.NoError(t, err)
	require.Equal(t, "user", list[0].Role)
	require.Equal(t, "c", list[0].Content)
	got, err := mustCompile(t, "{{ messages }}").Render(templates.Chat{Messages: list})
	require.NoError(t, err)
	require.Equal(t, "[{'content': 'c', 'custom': {'b': 1, 'a': 2}, 'role': 'user'}]", got)
	for _, bad := range []string{"", "{}", "[1]", `["x"]`, `[{"role"]`, "[null]"} {
		_, err := templates.ParseMessages([]byte(bad))
		require.ErrorContains(t, err, "templates: ", bad)
	}
}
