package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script writes the completion script of a shell that is installed here.
func script(t *testing.T, shell string) (path string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("there is no %s", shell)
	}
	o := call(t, "", "completion", shell)
	require.Equal(t, 0, o.code, o.err)
	path = filepath.Join(t.TempDir(), "mlx."+shell)
	require.NoError(t, os.WriteFile(path, []byte(o.out), 0o600))
	return path
}

// Bash offers commands, the flags of a command and the values of a flag.
func TestBashCompletion(t *testing.T) {
	path := script(t, "bash")
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"mlx", "ge"}, "generate"},
		{[]string{"mlx", "v"}, "version"},
		{[]string{"mlx", "generate", "--top"}, "--top-p --top-k"},
		{[]string{"mlx", "generate", "--model", "x", "--weights", "p"}, "packed"},
		{[]string{"mlx", "generate", "--weights", "=", "d"}, "dense"},
		{[]string{"mlx", "generate", "--weights", "="}, "auto packed dense"},
		{[]string{"mlx", "perplexity", "--dt"}, "--dtype"},
		{[]string{"mlx", "completion", ""}, "bash zsh fish"},
		{[]string{"mlx", "info", "--model", ""}, ""}, // left to the names of files
	} {
		var words []string
		for _, w := range c.line {
			words = append(words, quoted(w))
		}
		out, err := exec.CommandContext(t.Context(), "bash", "-c", ". "+path+"; COMP_WORDS=("+strings.Join(words, " ")+
			"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _mlx; echo \"${COMPREPLY[@]}\"").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, c.want, strings.TrimSpace(string(out)), "%q", c.line)
	}
}

// Fish offers the same, and nothing else.
func TestFishCompletion(t *testing.T) {
	path := script(t, "fish")
	for line, want := range map[string][]string{
		"mlx ge": {"generate"}, "mlx con": {"convert"}, "mlx generate --weights p": {"packed"}, "mlx generate --weights=d": {"--weights=dense"},
		"mlx generate --top-": {"--top-k", "--top-p"}, "mlx completion ": {"bash", "fish", "zsh"}, "mlx bench -r ": nil,
	} {
		out, err := exec.CommandContext(t.Context(), "fish", "--no-config", "-c", "source "+path+"; complete -C "+quoted(line)).CombinedOutput()
		require.NoError(t, err, string(out))
		var got []string
		for offer := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSpace(offer), "\t")
			got = append(got, word)
		}
		require.ElementsMatch(t, want, got, "%q", line)
	}
}

// All shells know all commands and flags.
func TestCompletionIsWhole(t *testing.T) {
	parser, err := newParser(&commands{})
	require.NoError(t, err)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		o := call(t, "", "completion", shell)
		require.Equal(t, 0, o.code, o.err)
		for _, node := range parser.Model.Leaves(true) {
			require.Contains(t, o.out, node.Name)
			for _, f := range node.Flags {
				require.Regexp(t, `(--|-l )`+f.Name+`\b`, o.out, shell)
				if f.Short != 0 && shell != "bash" {
					require.Regexp(t, `(-|-s )`+string(f.Short)+`\b`, o.out, shell)
				}
			}
		}
	}
	requireSentence(t, call(t, "", "completion", "csh"), exitUsage, `"csh"`, `"fish"`)
	requireSentence(t, call(t, "", "completion"), exitUsage, "<shell>")
}
