package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// On a terminal the loading of a model is shown, and gone before the answer.
func TestLoadingOnATerminal(t *testing.T) {
	code, shown := onTerminal(t, "", "generate", "--model", "smollm2", "--raw", "-p", "The capital of France is", "--max-tokens", "2")
	require.Zero(t, code)
	require.Contains(t, shown, "loading")
	require.Contains(t, shown, "100 %")
	require.True(t, strings.HasSuffix(shown, "\x1b[1A\x1b[J"), "the line is cleared at the end: %q", shown)

	code, shown = onTerminal(t, "", "generate", "--quiet", "--model", "smollm2", "--raw", "-p", "The capital of France is", "--max-tokens", "2")
	require.Zero(t, code)
	require.Empty(t, shown)
}
