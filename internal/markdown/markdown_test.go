package markdown

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	cpuBegin = "<!-- bench cpu: written by `make bench` -->"
	cpuEnd   = "<!-- bench cpu: end -->"
)

func TestReplaceSection(t *testing.T) {
	const block = cpuBegin + "\n\nfigures\n\n" + cpuEnd
	for name, c := range map[string]struct{ document, want string }{
		"an empty document": {"", block + "\n"},
		"appended":          {"# Title\n\nText.\n", "# Title\n\nText.\n\n" + block + "\n"},
		"replaced": {
			"# Title\n" + cpuBegin + "old\nold" + cpuEnd + "\n## After\n",
			"# Title\n" + block + "\n## After\n",
		},
		"another section stays": {
			"<!-- bench gpu: written by `make bench` -->\nH200\n<!-- bench gpu: end -->\n" + block + "\n",
			"<!-- bench gpu: written by `make bench` -->\nH200\n<!-- bench gpu: end -->\n" + block + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := replaceSection(c.document, "bench cpu", "make bench", "\nfigures\n")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			again, err := replaceSection(got, "bench cpu", "make bench", "figures")
			require.NoError(t, err)
			require.Equal(t, got, again, "a second time changes nothing")
		})
	}
}

func TestReplaceSectionRefuses(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"no end":      {"a\n" + cpuBegin + "\nb\n", "only one of its marks"},
		"no begin":    {"a\n" + cpuEnd + "\nb\n", "only one of its marks"},
		"wrong order": {cpuEnd + cpuBegin, "wrong order"},
		"twice":       {cpuBegin + cpuEnd + cpuBegin + cpuEnd, "there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := replaceSection(c.document, "bench cpu", "make bench", "x")
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docs", "benchmarks.md")
	require.NoError(t, Rewrite(path, "bench cpu", "make bench", "first"))
	require.NoError(t, Rewrite(path, "bench gpu", "make bench", "other"))
	require.NoError(t, Rewrite(path, "bench cpu", "make bench", "second"))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, cpuBegin+"\n\nsecond\n\n"+cpuEnd+"\n\n"+
		"<!-- bench gpu: written by `make bench` -->\n\nother\n\n<!-- bench gpu: end -->\n", string(got))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing temporary is left")
}

func TestRewriteKeepsABrokenDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.md")
	require.NoError(t, os.WriteFile(path, []byte(cpuBegin), 0o600))
	require.ErrorContains(t, Rewrite(path, "bench cpu", "make bench", "x"), path)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, cpuBegin, string(got))
}

func TestFormat(t *testing.T) {
	require.Equal(t, ""+
		"| what | µs, a step |\n"+
		"|------|-----------:|\n"+
		"| ours |        1.2 |\n"+
		"| é    |         10 |\n",
		Table([][]string{{"what", "µs, a step"}, {"ours", "1.2"}, {"é", "10"}}))
}
