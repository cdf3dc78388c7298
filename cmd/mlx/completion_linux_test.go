package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// zshrc is what a user of our completion has, with Tab inserting the first match and
// ^T noting what the line has become.
const zshrc = `
fpath=($ZDOTDIR $fpath)
autoload -U compinit && compinit -u -D
setopt menu_complete
zstyle ':completion:*' insert-tab false
note() { print -r -- $BUFFER >> $ZDOTDIR/lines; BUFFER= }
zle -N note
bindkey '^T' note
`

// Zsh completes on a terminal what a user begins and ends with Tab.
func TestZshCompletion(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.Rename(script(t, "zsh"), filepath.Join(home, "_mlx")))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".zshrc"), []byte(zshrc), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, "weights.gguf"), nil, 0o600))
	var typed, want strings.Builder
	for _, c := range []struct{ begun, completed string }{
		{"mlx con", "mlx convert "},
		{"mlx v", "mlx version "},
		{"mlx generate --sta", "mlx generate --stats "},
		{"mlx generate --top-", "mlx generate --top-k="},
		{"mlx generate --model x --weights p", "mlx generate --model x --weights packed "},
		{"mlx generate --weights=d", "mlx generate --weights=dense "},
		{"mlx perplexity --dt", "mlx perplexity --dtype="},
		{"mlx completion z", "mlx completion zsh "},
		{"mlx info --model we", "mlx info --model weights.gguf "},
		{"mlx bench -r we", "mlx bench -r we"},
		{"mlx info -m we", "mlx info -m weights.gguf "},
	} {
		typed.WriteString(c.begun + "\t\x14")
		want.WriteString(c.completed + "\n")
	}
	screen, terminal := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), "zsh", "-d", "-i")
	cmd.Dir, cmd.Env = home, append(os.Environ(), "ZDOTDIR="+home, "TERM=dumb")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	go io.Copy(io.Discard, screen)
	_, err := io.WriteString(screen, typed.String()+"exit\r")
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	lines, err := os.ReadFile(filepath.Join(home, "lines"))
	require.NoError(t, err)
	require.Equal(t, want.String(), string(lines))
}
