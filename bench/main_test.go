package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
)

// TestMain is also the peers that tests start: the test program itself, told by a
// variable or by its arguments.
func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(actAsPeer(act))
	}
	if len(os.Args) > 1 && os.Args[1] == "serve" { // as startOurs calls the program
		main()
		os.Exit(0)
	}
	leaktest.Main(m)
}

func TestComplete(t *testing.T) {
	full := options{PromptTokens: 512, Tokens: 64, Runs: 5, Builds: 16, Limit: 5 * time.Minute}
	require.NoError(t, full.complete("/root"))
	require.Equal(t, filepath.Join("/root", "docs", "benchmarks.md"), full.Out)

	short := options{PromptTokens: 512, Tokens: 64, Runs: 5, Builds: 16, Quick: true}
	require.NoError(t, short.complete("/root"))
	require.Less(t, short.PromptTokens, 512)
	require.Empty(t, short.Out, "quick figures must not replace the real ones")

	named := options{Quick: true, Out: "here.md"}
	require.NoError(t, named.complete("/root"))
	require.Equal(t, "here.md", named.Out)
}

func TestCompleteRefuses(t *testing.T) {
	for name, o := range map[string]options{
		"prompt": {PromptTokens: 3, Tokens: 64, Runs: 5, Builds: 16},
		"tokens": {PromptTokens: 512, Tokens: 2, Runs: 5, Builds: 16},
		"runs":   {PromptTokens: 512, Tokens: 64, Runs: 0, Builds: 16},
		"builds": {PromptTokens: 512, Tokens: 64, Runs: 5, Builds: -1},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, o.complete("/root"), "bench: want at least") })
	}
}

func TestModuleRoot(t *testing.T) {
	root, err := moduleRoot()
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, "models", "testdata", "smollm2.py"))

	t.Chdir(t.TempDir())
	_, err = moduleRoot()
	require.ErrorContains(t, err, "not inside the module's checkout")
}
