// Package leaktest fails the tests of a package that leaves MLX handles open:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
//
// The report names kinds, counts and the stacks that opened them.
package leaktest

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/internal/leaktest/probe"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

var source = probe.Source{
	Trace:  mlx.TraceHandles,
	Live:   mlx.Live,
	Stacks: mlx.LiveStacks,
	Leaked: mlx.LeakedBy,
	Stop:   func() error { return mlx.Default().Stop() },
}

// Main runs the tests, stops the default worker and ends the process; with a
// failure when a handle is open or an Owner was dropped without Close.
func Main(m *testing.M) { source.Exit(m) }

// Check fails t when more handles are open at its end than now, for tests that
// do not run in parallel with others.
func Check(t testing.TB) {
	t.Helper()
	// The worker keeps handles of its own: start it before the count.
	if err := mlx.Do(t.Context(), func(*mlx.Thread) error { return nil }); err != nil {
		t.Fatal(err)
	}
	source.Check(t)
}

// Do is a Check around f, which runs on the default Worker.
func Do(t testing.TB, f func(th *mlx.Thread)) {
	t.Helper()
	Check(t)
	if err := mlx.Do(t.Context(), func(th *mlx.Thread) error {
		f(th)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
