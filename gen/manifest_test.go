package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManifest(t *testing.T) {
	m, err := parseManifest("go.generate", []byte(`// A comment of the file.
mlx 0.32.2 // comments may follow a pin
headers mlx/c/mlx.h mlx/c/extra.h

// A comment of the block.
rename (
	mlx_abs Absolute // the long name: with "quotes" // and slashes
	// A comment between rows.
	mlx_exp Exponential // likewise
)
headers mlx/c/more.h
skip mlx_log // not wanted
`))
	require.NoError(t, err)
	require.Equal(t, []string{"mlx/c/mlx.h", "mlx/c/extra.h", "mlx/c/more.h"}, m.Headers)
	require.Equal(t, []Row{
		{Line: 7, Words: []string{"mlx_abs", "Absolute"}, Reason: `the long name: with "quotes" // and slashes`},
		{Line: 9, Words: []string{"mlx_exp", "Exponential"}, Reason: "likewise"},
	}, m.rows["rename"])

	row, ok := m.find("skip", "mlx_log")
	require.True(t, ok)
	require.Equal(t, Row{Line: 12, Words: []string{"mlx_log"}, Reason: "not wanted"}, row)
	require.True(t, m.has("rename", "mlx_exp"))
	require.False(t, m.has("rename", "mlx_log"), "the row belongs to another verb")

	pin, err := m.pin("mlx")
	require.NoError(t, err)
	require.Equal(t, []string{"0.32.2"}, pin)
}

// TestManifestErrors covers what a case of testdata/errors would only repeat.
func TestManifestErrors(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for _, c := range []struct{ name, text, want string }{
		{"no words", "skip", `gen: m:1: skip needs 1 words, has 0`},
		{"no pin", "mlx", `gen: m:1: mlx needs 1 words, has 0`},
		{"no commit", "mlx-c v0.7.0", `gen: m:1: mlx-c needs 2 words, has 1`},
		{"upper-case hash", "crate c 1 " + strings.ToUpper(hash),
			`gen: m:1: crate c ends with "` + strings.ToUpper(hash) + `", not with a hash of 64 hex digits`},
		{"hash too long", "crate c 1 " + hash + "0",
			`gen: m:1: crate c ends with "` + hash + `0", not with a hash of 64 hex digits`},
		{"duplicate on one line", "skip a // x\nskip a // y", `gen: m:2: skip a stands already on line 1`},
		{"empty block", "skip (\n)", ""},
		{"empty block of another verb", "\nomit (\n)", `gen: m:2: unknown verb "omit"`},
		{"words before a block", "skip mlx_a (\n\tmlx_b // x\n)", `gen: m:1: unknown verb "skip mlx_a"`},
		{"a go.mod verb", "require a v1.0.0", `gen: m:1: unknown verb "require"`},
		{"bad quotes", "skip \"a // x", "gen: m:1:6: unexpected EOF in string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseManifest("m", []byte(c.text))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}

// TestPinsMayRepeat: several wheels of one package, and the same word under two
// verbs, are no duplicates.
func TestPinsMayRepeat(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	m, err := parseManifest("m", []byte("wheel p 1 linux/amd64 cpu f.whl "+hash+"\nwheel p 1 linux/arm64 cpu g.whl "+hash+
		"\nscope mlx_a // x\nnoscope mlx_a // y\n"))
	require.NoError(t, err)
	require.Len(t, m.rows["wheel"], 2)
}

func TestManifestMissing(t *testing.T) {
	_, err := readManifest(filepath.Join(t.TempDir(), "go.generate"))
	require.ErrorContains(t, err, "gen: open ")
}

// TestRealManifest reads the module's own: every override names something that
// the headers declare.
func TestRealManifest(t *testing.T) {
	m := realManifest(t)
	require.NoError(t, m.unused(realAPI(t)))
	for _, verb := range []string{"mlx", "mlx-c", "crate"} {
		_, err := m.pin(verb)
		require.NoError(t, err)
	}
}

// FuzzManifest: whatever the text is, reading it ends, and what it reads without
// an error keeps the rules.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(naming))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest("m", text)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "gen: "), "%v", err)
			return
		}
		for verb, rows := range m.rows {
			b, ok := blocks[verb]
			require.True(t, ok, verb)
			for _, r := range rows {
				require.GreaterOrEqual(t, len(r.Words), b.words)
				require.Positive(t, r.Line)
				require.True(t, r.Reason != "" || !b.reason, verb)
			}
		}
	})
}
