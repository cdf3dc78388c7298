package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestOpsInGoAndC runs every case once in both: the C program compiles, knows the
// cases, and the graphs leave nothing behind.
func TestOpsInGoAndC(t *testing.T) {
	lib, err := mlx.LoadLibrary()
	require.NoError(t, err)
	c, err := startC(t.Context(), lib.MLXC, t.Output())
	require.NoError(t, err)
	defer func() { require.NoError(t, c.close()) }()
	leaktest.Check(t)
	require.NoError(t, withOps(context.Background(), func(o *ops) error {
		for _, oc := range opCases {
			took, err := o.run(oc)
			require.NoError(t, err, oc.name)
			require.Positive(t, took, oc.name)
			times, err := c.run(oc.name, 2)
			require.NoError(t, err, oc.name)
			require.Len(t, times, 2)
			require.Positive(t, times.median(), oc.name)
		}
		return nil
	}))
}

// A graph of ours has as many operations as the time is divided by.
func TestGraphsHaveThatManyOperations(t *testing.T) {
	require.NoError(t, withOps(context.Background(), func(o *ops) error {
		for _, oc := range opCases {
			if oc.step == nil {
				continue
			}
			before := o.t.Ops()
			_, err := o.run(oc)
			require.NoError(t, err)
			require.InDelta(t, graphOps, o.t.Ops()-before, 1, oc.name)
		}
		return nil
	}))
}

func TestOpsReport(t *testing.T) {
	graph := opResult{opCase: opCases[0], c: series{290000, 260000, 270000}, goMLX: series{312000}, python: series{936000}, allocs: 4}
	read := opResult{opCase: opCases[len(opCases)-1], c: series{50e6}, goMLX: series{52.4288e6}, python: series{100e6}}
	text := opsReport(machine{cpu: "A CPU", cores: 2}, opsOptions{Rounds: 3}, []opResult{graph, read}, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	require.Contains(t, text, "Measured on 2026-01-02 with `go run ./bench ops --rounds 3`.")
	row := func(begin string) []string {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "| "+begin) {
				cells := strings.Split(strings.Trim(line, "| \n"), "|")
				for i := range cells {
					cells[i] = strings.TrimSpace(cells[i])
				}
				return cells
			}
		}
		t.Fatalf("no row %q in\n%s", begin, text)
		return nil
	}
	require.Equal(t, []string{"add", "260", "312", "936", "+52", "+676", "3.0 ×", "0.004"}, row("add"))
	require.Equal(t, []string{"100 MB, into memory used before", "2.10", "2.00", "1.05"}, row("100 MB, into memory used"))
}

// A peer that dies, or answers nonsense, is an error with its last words.
func TestOpsPeerFails(t *testing.T) {
	for script, want := range map[string]string{
		"echo nope":                                `it did not begin: "nope\n"`,
		"echo ready; echo broken >&2; exit 3":      "broken",
		"echo ready; read x; echo 1 2 3":           "asked for 2 times, got 3",
		"echo ready; read x; echo one two":         `parsing "one"`,
		"echo ready; read x; echo out of luck >&2": "out of luck",
	} {
		p, err := startOps("sh", exec.CommandContext(t.Context(), "sh", "-c", script))
		if err == nil {
			_, err = p.run("add", 2)
		}
		require.ErrorContains(t, err, want, script)
	}
}
