package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	mlx "forge.lthn.ai/core/go-mlx/runtime"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
)

// opsOptions are the command line of `bench ops`.
type opsOptions struct {
	Peer   string `type:"path" placeholder:"DIR" help:"Python environment with mlx-lm, not one of its own."`
	Rounds int    `default:"20" help:"Turns of each case."`
	Out    string `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`
}

// runOps measures the cost of operations and reports it.
func runOps(ctx context.Context, o opsOptions, out, log io.Writer) (err error) {
	if o.Out == "" {
		root, err := moduleRoot()
		if err != nil {
			return err
		}
		o.Out = document(root)
	}
	if o.Rounds < 1 {
		return errors.New("bench: want at least one round")
	}
	m, err := describe(ctx)
	if err != nil {
		return err
	}
	interpreter, err := environment(ctx, o.Peer, m.gpu != "", log)
	if err != nil {
		return err
	}
	lib, err := mlx.LoadLibrary()
	if err != nil {
		return err
	}
	var c, python *opPeer
	defer func() { err = errors.Join(err, c.close(), python.close()) }()
	if c, err = startC(ctx, lib.MLXC, log); err != nil {
		return err
	}
	if python, err = startPython(ctx, interpreter); err != nil {
		return err
	}
	results, err := measureOps(ctx, o.Rounds, c, python, log)
	if err != nil {
		return err
	}
	text := opsReport(m, o, results, time.Now())
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return markdown.Rewrite(o.Out, "bench ops "+m.section(), "make bench", text)
}

// opsReport is the outcome as Markdown.
func opsReport(m machine, o opsOptions, results []opResult, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `go run ./bench ops --rounds %d`.\n\n", date.Format(time.DateOnly), o.Rounds)
	for _, l := range m.lines()[:2] {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	graphs := [][]string{{"a graph of 1,000", "C, ns an operation", "Go", "Python", "Go over C", "Python over C", "Python : Go", "allocations in Go"}}
	reads := [][]string{{"reading", "C, GB/s", "Go", "Python (NumPy)"}}
	for _, r := range results {
		if r.step == nil {
			speed := func(s series) string { return fmt.Sprintf("%.2f", 4*bigFloats/slices.Min(s)) }
			reads = append(reads, []string{r.what, speed(r.c), speed(r.goMLX), speed(r.python)})
			continue
		}
		c, g, p := slices.Min(r.c)/graphOps, slices.Min(r.goMLX)/graphOps, slices.Min(r.python)/graphOps
		graphs = append(graphs, []string{r.what, fmt.Sprintf("%.0f", c), fmt.Sprintf("%.0f", g), fmt.Sprintf("%.0f", p),
			fmt.Sprintf("%+.0f", g-c), fmt.Sprintf("%+.0f", p-c), fmt.Sprintf("%.1f ×", p/g), fmt.Sprintf("%.3f", r.allocs/graphOps)})
	}
	fmt.Fprintf(&b, "\n%s\n%s\nThe fastest of %d runs each, in turns: what else the machine does only adds to such times, and falls on each side by "+
		"chance. Building includes freeing what is only needed on the way.\n",
		markdown.Table(graphs), markdown.Table(reads), len(results[0].goMLX))
	return b.String()
}
