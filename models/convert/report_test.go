package convert_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models/convert"
)

// TestCompare measures a conversion to 4 bits as the reference does.
func TestCompare(t *testing.T) {
	cases := references(t)
	r := cases["4 bits"]
	from, to := folder(t, cases, "4 bits"), filepath.Join(t.TempDir(), "to")
	_, err := convert.Folder(t.Context(), from, to, r.Options.options()...)
	require.NoError(t, err)
	list, err := convert.Compare(t.Context(), from, to)
	require.NoError(t, err)
	require.Len(t, list, len(r.Errors))
	for _, e := range list {
		want := r.Errors[e.Name]
		require.InDelta(t, want[0], e.RMS, 1e-4*want[0], e.Name)
		require.InDelta(t, want[1], e.Max, 1e-4*want[1], e.Name)
		form := "4 bits in groups of 64 (affine)"
		if len(e.Shape) == 1 {
			form = "bfloat16"
		}
		require.Equal(t, form, e.Form, e.Name)
	}

	var table, list2 bytes.Buffer
	require.NoError(t, list.WriteMarkdown(&table))
	lines := strings.Split(table.String(), "\n")
	require.Equal(t, "| weight | shape | stored as | relative RMS | largest difference |", lines[0])
	require.Regexp(t, `^\| model\.layers\.\d\.\S+\.weight \| \d+ x \d+ \| 4 bits in groups of 64 \(affine\) \| 0\.0\d+ \| 0\.0\d+ \|$`, lines[2])
	require.Contains(t, lines[len(lines)-2], "| bfloat16 | 0 | 0 |")
	require.NoError(t, list.WriteJSON(&list2))
	var back convert.Errors
	require.NoError(t, json.Unmarshal(list2.Bytes(), &back))
	require.Equal(t, list, back)

	_, err = convert.Compare(t.Context(), folder(t, cases, "qwen3"), to)
	require.ErrorContains(t, err, "convert: compare: ")
	require.ErrorContains(t, err, "has no weight of shape")
}
