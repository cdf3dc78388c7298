package main

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal returns the two ends of a terminal of the test's own.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

// Colours are for terminals, and there only for those who want them.
func TestTemplateOnATerminal(t *testing.T) {
	args := []string{"template", "--template", written(t, "t.jinja", "<s>{{ messages[0].content }}"), "-p", "Hi"}
	t.Setenv("TERM", "xterm")
	for _, c := range []struct{ noColor, want string }{
		{"", dim + "<s>" + plain + "Hi\r\n"},
		{"1", "<s>Hi\r\n"},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		screen, terminal := openTerminal(t)
		require.Zero(t, run(&console{ctx: t.Context(), in: os.Stdin, out: terminal, err: os.Stderr}, args))
		line, err := bufio.NewReader(screen).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, c.want, line)
	}
}
