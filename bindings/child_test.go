package bindings_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

const childMarker = "GO_MLX_TEST_CHILD"

// inChild runs body, and nothing else of the test, in a process of its own with
// env added. It returns what the process printed and how it ended. In the child
// it does not return.
func inChild(t *testing.T, env []string, body func()) (string, error) {
	t.Helper()
	if os.Getenv(childMarker) != "" {
		body()
		t.SkipNow()
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+only(t.Name()), "-test.v")
	cmd.Env = append(append(os.Environ(), childMarker+"=1"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// only is the pattern of one test: each level is matched on its own.
func only(name string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
}
