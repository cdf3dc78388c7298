package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// On a terminal the runs are told as they go, unless nobody wants to know; the
// report itself is the same.
func TestBenchOnATerminal(t *testing.T) {
	args := []string{"bench", "--config", tinyConfig, "-p8", "-n2", "-r2"}
	for _, quiet := range []bool{false, true} {
		screen, terminal := openTerminal(t)
		if quiet {
			args = append(args, "--quiet")
		}
		var out bytes.Buffer
		require.Zero(t, run(&console{ctx: t.Context(), in: os.Stdin, out: &out, err: terminal}, args))
		_, err := io.WriteString(terminal, "end\n")
		require.NoError(t, err)
		var text string
		for lines := bufio.NewReader(screen); !strings.HasSuffix(text, "end\r\n"); {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			text += line
		}
		require.Equal(t, !quiet, strings.Contains(text, "warming up"), text)
		require.Equal(t, !quiet, strings.Contains(text, "run 2 of 2"), text)
		require.NotContains(t, out.String(), "run 2")
		require.Contains(t, out.String(), "| tg2 |")
	}
}
