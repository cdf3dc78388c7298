package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operation is a row of gen/api.lock: an operation that takes a stream.
type operation struct{ header, family, name, c string }

var cFunction = regexp.MustCompile(`\bmlx_(\w+)\(`)

// lock reads the operations of the C API; there are none where the test binary
// runs outside of the checkout. Those of our own kernels are not mlx.core's:
// runtime's tests compare them with those that are.
func lock(t *testing.T) (rows []operation) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "gen", "api.lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[0] == "gomlx" || !strings.HasPrefix(f[1], "op ") && f[2] != "RandomKey" {
			continue
		}
		name := strings.TrimPrefix(strings.ReplaceAll(f[2], ".", ""), "Distributed")
		rows = append(rows, operation{f[0], f[1], name, cFunction.FindStringSubmatch(f[3])[1]})
	}
	return rows
}

// cNames maps Scope's methods to the names that errors give.
func cNames(t *testing.T) map[string]string {
	names := map[string]string{}
	for _, op := range lock(t) {
		names[op.name] = op.c
	}
	return names
}

// leftOut are the operations that no case has a result of, with the reason.
var leftOut = map[string]string{
	"Load":             "reads a file; the tests of bindings do",
	"LoadReader":       "reads through a callback; the tests of bindings do",
	"CUDAKernelApply":  "runs source code of a CUDA kernel",
	"MetalKernelApply": "runs source code of a Metal kernel",
	"Send":             "needs a second process; alone MLX refuses, which is replayed",
	"Recv":             "needs a second process; alone MLX refuses, which is replayed",
	"RecvLike":         "needs a second process; alone MLX refuses, which is replayed",
	"GatherQQMM":       "has no kernel for CPUs; its refusals are replayed",
}

// tally counts the operations and cases of one header.
type tally struct{ operations, covered, cases, refusals int }

// Of the 318 operations that give one array all but a few are replayed, and all
// of the rest; what is left out is listed. docs/conformance.md shows the table.
func TestCoverage(t *testing.T) {
	rows := lock(t)
	if rows == nil {
		t.Skip("gen/api.lock is not here")
	}
	results, refusals := map[string]int{}, map[string]int{}
	for _, f := range load(t) {
		for _, c := range f.Cases {
			if c.Err != "" {
				refusals[c.Op]++
			} else {
				results[c.Op]++
			}
		}
	}
	families := map[string]*tally{}
	single, headers := tally{}, []string{}
	for _, op := range rows {
		f := families[op.header]
		if f == nil {
			f = &tally{}
			families[op.header], headers = f, append(headers, op.header)
		}
		_, left := leftOut[op.name]
		require.Equal(t, left, results[op.name] == 0, "%s: either cases with results or a reason in leftOut", op.name)
		for _, n := range []*tally{f, &single} {
			if n == &single && op.family != "op array" {
				continue
			}
			n.operations++
			n.covered += min(results[op.name], 1)
			n.cases += results[op.name]
			n.refusals += refusals[op.name]
		}
		delete(results, op.name)
	}
	require.Empty(t, results, "cases of what is no operation")
	require.Equal(t, 318, single.operations)
	require.GreaterOrEqual(t, single.covered, 300)
	table := tableOf(headers, families)
	t.Logf("%d of %d operations that give one array\n%s", single.covered, single.operations, table)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "conformance.md"))
	require.NoError(t, err)
	require.Contains(t, string(page), table, "docs/conformance.md shows another table")
	for op, reason := range leftOut {
		require.Contains(t, string(page), fmt.Sprintf("| `%s` | %s |\n", op, reason))
	}
}

func tableOf(headers []string, families map[string]*tally) string {
	var b strings.Builder
	b.WriteString("| header | operations | replayed | cases with results | refusals |\n|---|---|---|---|---|\n")
	sum := tally{}
	row := func(name string, n tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, n.operations, n.covered, n.cases, n.refusals)
	}
	for _, h := range headers {
		n := *families[h]
		row(h, n)
		sum = tally{sum.operations + n.operations, sum.covered + n.covered, sum.cases + n.cases, sum.refusals + n.refusals}
	}
	row("all", sum)
	return b.String()
}
