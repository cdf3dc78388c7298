package main

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal runs a command whose standard error is a terminal, types into it, and
// returns what the terminal showed.
func onTerminal(t *testing.T, typed string, args ...string) (code int, shown string) {
	t.Helper()
	screen, terminal := openTerminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}))
	_, err := io.WriteString(screen, typed)
	require.NoError(t, err)
	out, err := os.CreateTemp(t.TempDir(), "out")
	require.NoError(t, err)
	defer out.Close()
	code = run(&console{ctx: t.Context(), in: terminal, out: out, err: terminal}, args)
	require.NoError(t, terminal.Close())
	all, err := io.ReadAll(screen)
	require.ErrorIs(t, err, unix.EIO, "the other end is closed")
	return code, string(all)
}

func TestPullOnATerminal(t *testing.T) {
	playModel(t)
	code, shown := onTerminal(t, "", "pull", "org/name")
	require.Zero(t, code)
	require.Contains(t, shown, "downloading org/name: 8.0 kB, 2 files")
	require.Contains(t, shown, "100 %")
	require.NotContains(t, shown, "model.safetensors", "a bar and no lines")
}

func TestRmAsks(t *testing.T) {
	_, cache := playModel(t)
	require.Zero(t, call(t, "", "pull", "-q", "org/name").code)
	code, shown := onTerminal(t, "n\n", "rm", "org/name")
	require.Equal(t, exitFailed, code)
	require.Contains(t, shown, "remove org/name (1 snapshots, 8.0 kB)? [y/N]")
	require.Contains(t, shown, "nothing was removed")
	require.DirExists(t, cache+"/models--org--name")
	code, _ = onTerminal(t, "yes\n", "rm", "org/name")
	require.Zero(t, code)
	require.NoDirExists(t, cache+"/models--org--name")
}
