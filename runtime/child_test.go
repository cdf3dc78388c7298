package runtime_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const childMarker = "GO_MLX_TEST_CHILD"

// child runs body, and nothing else of the test, in a process of its own with env
// added. It returns what the process printed and how it ended. In the child it
// does not return.
func child(t *testing.T, env []string, body func()) (string, error) {
	t.Helper()
	if os.Getenv(childMarker) != "" {
		body()
		t.SkipNow()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run="+only(t.Name()), "-test.v")
	cmd.Env = append(append(os.Environ(), childMarker+"=1"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// only is the pattern of one test: each level is matched on its own.
func only(name string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
}

// inChild runs a test's body in a process of its own and requires that the test
// passes there, that its leak check fails the run, and what the run says.
func inChild(t *testing.T, body func(), says ...string) {
	t.Helper()
	out, err := child(t, nil, body)
	require.Contains(t, out, "--- SKIP: "+t.Name())
	require.Error(t, err, "the leak check fails the run")
	for _, text := range says {
		require.Contains(t, out, text)
	}
}
