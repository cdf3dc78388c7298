package convert_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"math"
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

// TestWritePicture draws errors of two kinds of weights, and leaves out what has
// none or is in no block.
func TestWritePicture(t *testing.T) {
	list := convert.Errors{
		{Name: "model.embed_tokens.weight", RMS: 0.9}, {Name: "model.layers.0.input_layernorm.weight"},
		{Name: "model.layers.0.mlp.up_proj.weight", RMS: 0.1}, {Name: "model.layers.1.mlp.up_proj.weight", RMS: 0.2},
		{Name: "model.layers.0.self_attn.q_proj.weight", RMS: 0.3}, {Name: "model.layers.1.self_attn.q_proj.weight", RMS: math.Inf(1)},
	}
	var svg, bitmap bytes.Buffer
	require.NoError(t, list.WritePicture(&svg, "svg"))
	require.NoError(t, xml.Unmarshal(svg.Bytes(), &struct{}{}))
	for _, text := range []string{">mlp.up_proj<", ">self_attn.q_proj<", ">block<", ">relative RMS<"} {
		require.Contains(t, svg.String(), text)
	}
	require.NotContains(t, svg.String(), "layernorm")
	require.NotContains(t, svg.String(), "embed_tokens")
	require.NoError(t, list.WritePicture(&bitmap, "png"))
	image, err := png.DecodeConfig(&bitmap)
	require.NoError(t, err)
	require.Greater(t, image.Width, image.Height)
	require.ErrorContains(t, list.WritePicture(&svg, "pdf"), `"pdf" is neither svg nor png`)
	require.NoError(t, convert.Errors{}.WritePicture(&svg, "svg"), "nothing to draw")
}
