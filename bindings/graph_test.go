package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestGraphAsText(t *testing.T) {
	k := begin(t)
	x := k.some()
	y := k.array(bindings.Exp(k.array(bindings.Add(x, x, k.s)), k.s))
	namer, err := bindings.NewNodeNamer()
	require.NoError(t, err)
	defer namer.Close()
	require.NoError(t, namer.SetName(x, "tokens"))
	name, err := namer.GetName(x)
	require.NoError(t, err)
	require.Equal(t, "tokens", name)

	dot, err := bindings.ExportToDot(namer, []array{y})
	require.NoError(t, err)
	require.Regexp(t, `(?s)^digraph \{.*Add.*Exp.*\}\s*$`, dot)
	require.Contains(t, dot, "tokens")
	text, err := bindings.PrintGraph(namer, []array{y})
	require.NoError(t, err)
	require.Contains(t, text, "Inputs: tokens")
	require.Contains(t, text, "Exp")
}

func TestGraphFailures(t *testing.T) {
	k := begin(t)
	namer, err := bindings.NewNodeNamer()
	require.NoError(t, err)
	defer namer.Close()
	_, err = bindings.ExportToDot(namer, []array{{}})
	k.fails(err, "export_to_dot", "non-empty mlx_array", 1)
	_, err = bindings.PrintGraph(namer, []array{{}})
	k.fails(err, "print_graph", "non-empty mlx_array", 1)
	var null bindings.NodeNamer
	_, err = bindings.ExportToDot(null, []array{k.some()})
	k.fails(err, "export_to_dot", "non-empty mlx_node_namer", 1)
	_, err = null.GetName(k.some())
	k.fails(err, "node_namer_get_name", "non-empty mlx_node_namer", 1)
	k.fails(namer.SetName(array{}, "x"), "node_namer_set_name", "non-empty mlx_array", 1)
	k.fails(namer.SetName(k.some(), "50\x00"), "node_namer_set_name", "mlx-c cannot carry", 1)
}
