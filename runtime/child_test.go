package runtime_test

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// inChild runs a test's body in a process of its own and requires that the test
// passes there, that its leak check fails the run, and what the run says.
func inChild(t *testing.T, body func(), says ...string) {
	t.Helper()
	const marker = "GO_MLX_TEST_CHILD"
	if os.Getenv(marker) != "" {
		body()
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v")
	cmd.Env = append(os.Environ(), marker+"=1")
	out, err := cmd.CombinedOutput()
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	require.Error(t, err, "the leak check fails the run")
	for _, text := range says {
		require.Contains(t, string(out), text)
	}
}
