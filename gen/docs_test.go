package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// docsTable reads files given as name, text, name, text, ...
func docsTable(files ...string) (*Docs, error) {
	fsys := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return readDocs(fsys)
}

func TestReadDocsRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"a sentence before any name", []string{"ops.txt", "# ops\n\n\treturns a.\n"},
			`gen: docs/ops.txt:3: "\treturns a." is neither a name nor a sentence of one`},
		{"a sentence without its tab", []string{"ops.txt", "mlx_abs\nreturns a.\n"},
			`gen: docs/ops.txt:2: "returns a." is neither a name nor a sentence of one`},
		{"a sentence indented by spaces", []string{"ops.txt", "mlx_abs\n    returns.\n"},
			`gen: docs/ops.txt:2: "    returns." is neither a name nor a sentence of one`},
		{"two names on a line", []string{"ops.txt", "mlx_abs mlx_add\n\treturns a.\n"},
			`gen: docs/ops.txt:1: "mlx_abs mlx_add" is neither a name nor a sentence of one`},
		{"a comment that is indented", []string{"ops.txt", "mlx_abs\n\treturns a.\n # no\n"},
			`gen: docs/ops.txt:3: " # no" is neither a name nor a sentence of one`},
		{"a name twice in a file", []string{"ops.txt", "mlx_abs\n\treturns a.\n\nmlx_abs\n\treturns b.\n"},
			`gen: docs/ops.txt:4: mlx_abs is documented in docs/ops.txt:1 already`},
		{"a name in two files", []string{"fft.txt", "# x\nmlx_abs\n\treturns a.\n", "ops.txt", "mlx_abs\n\treturns b.\n"},
			`gen: docs/ops.txt:1: mlx_abs is documented in docs/fft.txt:2 already`},
		{"a name without a sentence", []string{"ops.txt", "mlx_abs\n\nmlx_add\n\treturns a + b.\n"},
			`gen: docs/ops.txt:1: mlx_abs has no sentence`},
		{"a last name without a sentence", []string{"ops.txt", "mlx_add\n\treturns a + b.\nmlx_zeros\n"},
			`gen: docs/ops.txt:3: mlx_zeros has no sentence`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := docsTable(c.files...)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestReadDocsOnlyReadsText(t *testing.T) {
	d, err := docsTable("README.md", "not an entry\n", "sub/ops.txt", "nor this\n", "ops.txt", "mlx_abs\n\treturns a.\n")
	require.NoError(t, err)
	lines, err := d.comment("mlx_abs", "Abs")
	require.NoError(t, err)
	require.Equal(t, []string{"Abs returns a.", "", "C: mlx_abs."}, lines)
}

func TestComment(t *testing.T) {
	d, err := docsTable(
		"array.txt", "_mlx_array_wait\n\twaits.\n\nmlx_dtype\n\tis a type.\n",
		"ops.txt", strings.Join([]string{
			"# A comment, and an entry over three lines, one of them blank.",
			"mlx_sum", "\treturns the", "", "\tsum of a. ", "# in between", "\tTrailing blanks go.",
			"mlx_take", "\treturns elements.",
			"mlx_take_axis", "\treturns slices.",
			"mlx_axis", "\tis no variant.", "",
		}, "\n"))
	require.NoError(t, err)
	along := "It works along the given axes; negative ones count from the last."
	for _, c := range []struct{ c, goName, want string }{
		{"mlx_sum", "Sum", "Sum returns the sum of a. Trailing blanks go."},
		{"_mlx_array_wait", "Wait", "Wait waits."},
		{"mlx_dtype", "Dtype", "Dtype is a type."},
		{"mlx_sum_axes", "SumAxes", "SumAxes returns the sum of a. Trailing blanks go. " + along},
		{"mlx_sum_axis", "SumAxis", "SumAxis returns the sum of a. Trailing blanks go. " +
			"It works along one axis; a negative one counts from the last."},
		{"mlx_take_axis", "TakeAxis", "TakeAxis returns slices."},
		{"mlx_take_axes", "TakeAxes", "TakeAxes returns elements. " + along},
		{"mlx_axis", "Axis", "Axis is no variant."},
	} {
		t.Run(c.c, func(t *testing.T) {
			lines, err := d.comment(c.c, c.goName)
			require.NoError(t, err)
			n := len(lines)
			require.Equal(t, []string{"", "C: " + c.c + "."}, lines[n-2:])
			require.Equal(t, c.want, strings.Join(lines[:n-2], " "))
		})
	}
}

func TestCommentMissing(t *testing.T) {
	d, err := docsTable("ops.txt", "mlx_take_axis\n\treturns slices.\nmlx_sum\n\treturns the sum.\n")
	require.NoError(t, err)
	for _, c := range []struct{ name, c, goName string }{
		{"nowhere", "mlx_abs", "Abs"},
		{"only its variant is there", "mlx_take", "Take"},
		{"a variant of a variant", "mlx_sum_axis_axes", "SumAxisAxes"},
		{"a suffix that is no variant", "mlx_sum_like", "SumLike"},
		{"nothing before the suffix", "_axis", "Axis"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, err := d.comment(c.c, c.goName)
			require.EqualError(t, err, "gen: docs: "+c.c+" ("+c.goName+
				") has no documentation: add it to gen/docs/<header>.txt")
			require.Empty(t, lines)
		})
	}
}

func TestStale(t *testing.T) {
	const ops = "mlx_sum\n\treturns the sum.\nmlx_gone\n\treturns nothing.\n"
	const fft = "\n\nmlx_fft_gone\n\treturns nothing.\n"
	d, err := docsTable("fft.txt", fft, "ops.txt", ops)
	require.NoError(t, err)
	_, err = d.comment("mlx_sum_axis", "SumAxis") // uses the base
	require.NoError(t, err)
	_, err = d.comment("mlx_other", "Other")
	require.Error(t, err)
	require.EqualError(t, d.stale(),
		"gen: docs/fft.txt:3: mlx_fft_gone is no function or type that needs documentation: remove it\n"+
			"gen: docs/ops.txt:3: mlx_gone is no function or type that needs documentation: remove it")

	_, err = d.comment("mlx_gone", "Gone")
	require.NoError(t, err)
	_, err = d.comment("mlx_fft_gone", "FFTGone")
	require.NoError(t, err)
	require.NoError(t, d.stale())
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		want       []string
	}{
		{"fits to the last column", "abc def ghi", 7, []string{"abc def", "ghi"}},
		{"one column too many", "abc defg hi", 7, []string{"abc", "defg hi"}},
		{"a long word stands alone", "a mlx.core.linalg.norm b", 10, []string{"a", "mlx.core.linalg.norm", "b"}},
		{"blanks of any kind are one", "a \t b\n  c", 10, []string{"a b c"}},
		{"nothing", "", 10, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, wrap(c.text, c.width)) })
	}
}

// TestTable checks the table that is committed against the API lock: nothing
// bound is without documentation, and nothing documented has gone.
func TestTable(t *testing.T) {
	d, err := readDocs(os.DirFS("docs"))
	require.NoError(t, err)
	lock, err := os.ReadFile("api.lock")
	require.NoError(t, err)

	function := regexp.MustCompile(`(\w+)\(.*\)$`)
	word := regexp.MustCompile(`\b_?mlx_\w+`)
	types, seen := map[string]bool{}, 0
	for line := range strings.Lines(string(lock)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) != 4 {
			require.True(t, strings.HasPrefix(line, "#"), line)
			continue
		}
		name := function.FindStringSubmatch(cells[3])[1]
		for _, w := range word.FindAllString(cells[3], -1) {
			types[w] = types[w] || w != name
		}
		if cells[1] == "skip" || cells[1] == "hand" {
			continue
		}
		_, goName, method := strings.Cut(cells[2], ".")
		if !method {
			goName = cells[2]
		}
		lines, err := d.comment(name, goName)
		require.NoError(t, err)
		require.NoError(t, wellWritten(lines[:len(lines)-2], goName), name)
		seen++
	}
	require.Greater(t, seen, 600)
	for name := range d.entries {
		if types[name] {
			_, err := d.comment(name, name)
			require.NoError(t, err)
		}
	}
	require.NoError(t, d.stale())
}

// wellWritten checks what a reader would stumble over.
func wellWritten(lines []string, goName string) error {
	text := strings.Join(lines, " ")
	for _, l := range lines {
		if len(l) > docWidth {
			return fmt.Errorf("%q is too wide", l)
		}
	}
	first, rest, _ := strings.Cut(text, " ")
	switch {
	case first != goName:
		return fmt.Errorf("%q does not begin with the Go name", text)
	case rest == "" || rest[0] < 'a' || rest[0] > 'z':
		return fmt.Errorf("%q does not go on with a verb", text)
	case !strings.HasSuffix(text, "."):
		return fmt.Errorf("%q has no full stop", text)
	case strings.Contains(text, "undocumented"):
		return fmt.Errorf("%q says nothing", text)
	}
	return nil
}
