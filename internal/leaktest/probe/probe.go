// Package probe fails tests that leave native handles open. It knows nothing of
// what it watches: leaktest points it at the runtime, the bindings' own tests at
// the bindings.
package probe

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Source is what is watched.
type Source struct {
	Trace  func(on bool)         // makes handles remember who opened them
	Live   func() map[string]int // open handles by kind
	Stacks func() []string       // who opened them
	Leaked func() map[string]int // handles dropped without Close, by owner; may be nil
	Stop   func() error          // ends what runs in the background; may be nil
}

// Main runs the tests of a package and returns the status to exit with: that of
// the tests, or 1 when they pass and leave handles open.
func (s Source) Main(m interface{ Run() int }, out io.Writer) int {
	s.Trace(true)
	status := m.Run()
	if s.Stop != nil {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(out, "leaktest: stopping:", err)
			status = max(status, 1)
		}
	}
	if report := s.report(nil); report != "" {
		fmt.Fprint(out, "leaktest: the tests left handles open\n", report)
		status = max(status, 1)
	}
	return status
}

// Check fails t when it ends with more open handles than there are now.
func (s Source) Check(t testing.TB) {
	t.Helper()
	s.Trace(true)
	before := s.Live()
	t.Cleanup(func() {
		t.Helper()
		if report := s.report(before); report != "" {
			t.Errorf("the test left handles open\n%s", report)
		}
	})
}

// report describes what is open beyond before, or is "".
func (s Source) report(before map[string]int) string {
	var b strings.Builder
	live := s.Live()
	for _, kind := range slices.Sorted(maps.Keys(live)) {
		if n := live[kind] - before[kind]; n > 0 {
			fmt.Fprintf(&b, "%6d %s\n", n, kind)
		}
	}
	if s.Leaked != nil && before == nil {
		leaked := s.Leaked()
		for _, owner := range slices.Sorted(maps.Keys(leaked)) {
			fmt.Fprintf(&b, "%6d dropped without Close by owner %q\n", leaked[owner], owner)
		}
	}
	if b.Len() > 0 {
		for _, stack := range s.Stacks() {
			b.WriteString(stack)
		}
	}
	return b.String()
}

// Exit is Main for TestMain: it reports to standard error and ends the process.
func (s Source) Exit(m *testing.M) { os.Exit(s.Main(m, os.Stderr)) }
