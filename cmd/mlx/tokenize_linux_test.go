package main

import (
	"bufio"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// On a terminal every piece has a background of its own, unless its user wants no
// colours.
func TestTokenizeOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, c := range []struct{ noColor, want string }{
		{"", "\x1b[30;48;5;153mthe" + plain + "\x1b[30;48;5;157m fox" + plain + "\r\n"},
		{"1", "the| fox\r\n"},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		screen, terminal := openTerminal(t)
		args := []string{"tokenize", tinyTokenizer, "--plain", "the fox"}
		require.Zero(t, run(&console{ctx: t.Context(), in: os.Stdin, out: terminal, err: os.Stderr}, args))
		line, err := bufio.NewReader(screen).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, c.want, line)
	}
}
