package hub_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

func TestParseRef(t *testing.T) {
	for s, want := range map[string]hub.Ref{
		"org/name":                        {Repo: "org/name"},
		"gpt2":                            {Repo: "gpt2"},
		"org/na.me-1_b@v1.0":              {Repo: "org/na.me-1_b", Revision: "v1.0"},
		"org/name@refs/pr/3":              {Repo: "org/name", Revision: "refs/pr/3"},
		"org/name:Q4_K_M":                 {Repo: "org/name", File: "Q4_K_M"},
		"org/name@dev:sub/a@b.gguf":       {Repo: "org/name", Revision: "dev", File: "sub/a@b.gguf"},
		"hf.co/org/name:Q8_0":             {Repo: "org/name", File: "Q8_0"},
		"https://huggingface.co/org/name": {Repo: "org/name"},
	} {
		got, err := hub.ParseRef(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got)
		again, err := hub.ParseRef(got.String())
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, s := range []string{"", "/", "a/b/c", "../x", "./x", "/abs/path", "org/", "/name", "org/name@", "org/name:", "org/na--me", "org/na..me",
		"org/name.git", "org/name@../x", "org/name@/x", "org/name:../x.gguf", "org/name@a\x00b", "org/name:/etc/passwd", "org/nam e",
		"org/name@" + strings.Repeat("x", 300), "http://elsewhere.org/org/name", "~/x", ".hidden/x"} {
		_, err := hub.ParseRef(s)
		require.Error(t, err, "%q", s)
		require.ErrorContains(t, err, "hub: ")
	}
	require.True(t, hub.IsRef("org/name@v1:Q4_0"))
	for _, s := range []string{"gpt2", "org/name/", "./org/name", "model.gguf", "folder/model.gguf", "folder/config.json"} {
		require.False(t, hub.IsRef(s), s)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"org/name", "org/name@v1:x.gguf", "hf.co/a/b:Q4_0", "a@:", "\x00/..", "org/name@refs/pr/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := hub.ParseRef(s)
		if err != nil {
			return
		}
		again, err := hub.ParseRef(r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
		require.NotContains(t, r.Repo+"/"+r.Revision+"/"+r.File, "../")
	})
}

// matches are what Python's fnmatch.fnmatchcase answers, of patterns after
// huggingface_hub's normalisation.
var matches = []struct {
	pattern, name string
	want          bool
}{
	{"*.json", "config.json", true},
	{"*.json", "sub/config.json", true},
	{"*.json", "config.jsonl", false},
	{"*.json", "Config.JSON", false},
	{"model-?.safetensors", "model-1.safetensors", true},
	{"model-?.safetensors", "model-12.safetensors", false},
	{"[a-c]*", "beta", true},
	{"[!a-c]*", "beta", false},
	{"[!a-c]*", "delta", true},
	{"[]]x", "]x", true},
	{"[!]]x", "]x", false},
	{"[^a]x", "^x", true},
	{"[^a]x", "bx", false},
	{"[z-a]x", "zx", false},
	{"[abc", "[abc", true},
	{"a.b", "axb", false},
	{"a+b(c)|d", "a+b(c)|d", true},
	{"*", "line\nbreak", true},
	{"ü*", "über", true},
	{"", "", true},
}

func TestFnmatch(t *testing.T) {
	for _, m := range matches {
		require.Equal(t, m.want, hub.Fnmatch(m.pattern, m.name), "%q %q", m.pattern, m.name)
	}
	require.True(t, hub.Fnmatch("original/", "original/a/b.pth"))
	require.True(t, hub.Fnmatch(`original\`, "original/a.pth"))
	require.False(t, hub.Fnmatch("original/", "not/original/a.pth"))
}

// TestFnmatchIsPythons asks Python itself.
func TestFnmatchIsPythons(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	var args []string
	for _, m := range matches {
		args = append(args, m.name, m.pattern)
	}
	script := "import sys, fnmatch; a = sys.argv[1:]; print(*map(fnmatch.fnmatchcase, a[::2], a[1::2]))"
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", script}, args...)...).Output()
	require.NoError(t, err)
	answers := strings.Fields(string(out))
	require.Len(t, answers, len(matches))
	for i, m := range matches {
		require.Equal(t, m.want, answers[i] == "True", "%q %q", m.pattern, m.name)
	}
}

func FuzzFnmatch(f *testing.F) {
	for _, m := range matches {
		f.Add(m.pattern, m.name)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		hub.Fnmatch(pattern, name)
		if !strings.ContainsAny(pattern, `*?[\`) && !strings.HasSuffix(pattern, "/") {
			require.Equal(t, pattern == name, hub.Fnmatch(pattern, name))
		}
	})
}
