package main

import (
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// naming is a manifest with one entry of every kind that names depend on.
const naming = `
strip (
	mlx_fast_ // a namespace
	mlx_fft_ // a namespace
)
word (
	rms RMS // initialism
	fft FFT // initialism
	2d 2D // dimension
	conv2d Conv2D // dimension
	bfloat16 BFloat16 // two words
)
type mlx_fft_norm FFTNorm // Norm is taken
rename (
	mlx_closure_new NewNullClosure // New is taken
	_mlx_array_wait Wait // internal, and needed
)
`

func testNames(t *testing.T) names {
	t.Helper()
	m, err := parseManifest("go.generate", []byte(naming))
	require.NoError(t, err)
	return names{m}
}

func TestFunctionNames(t *testing.T) {
	n := testNames(t)
	for c, want := range map[string]string{
		"mlx_matmul":         "Matmul",
		"mlx_expand_dims":    "ExpandDims",
		"mlx_fast_rms_norm":  "RMSNorm",
		"mlx_fft_fft":        "FFT",
		"mlx_fftshift":       "Fftshift", // words are whole parts
		"mlx_conv2d":         "Conv2D",
		"mlx_pool_2d":        "Pool2D",
		"mlx_new_bfloat16":   "NewBFloat16",
		"_mlx_array_is_null": "ArrayIsNull",
		"mlx_closure_new":    "NewNullClosure",
		"_mlx_array_wait":    "Wait",
		"mlx__double_":       "Double",
		"MLX_UPPER":          "MlxUpper", // the prefix is cut as it stands
	} {
		require.Equal(t, want, n.function(c), c)
	}
}

func TestTypeNames(t *testing.T) {
	n := testNames(t)
	for c, want := range map[string]string{
		"mlx_array":               "Array",
		"mlx_vector_array":        "VectorArray",
		"mlx_map_string_to_array": "MapStringToArray",
		"mlx_fast_rms":            "RMS",
		"mlx_fft_norm":            "FFTNorm",
	} {
		require.Equal(t, want, n.typ(c), c)
	}
}

// TestParamNames covers what may not be a name in Go, and what the generated
// code calls its own variables.
func TestParamNames(t *testing.T) {
	n := testNames(t)
	for c, want := range map[string]string{
		"a":           "a",
		"a_min":       "aMin",
		"A":           "a",
		"rms_eps":     "rmsEps",
		"use_fft":     "useFFT",
		"str_":        "str",
		"__x__":       "x",
		"input_0":     "input0",
		"type":        "typeArg",
		"range":       "rangeArg",
		"map":         "mapArg",
		"res":         "resArg",
		"r":           "rArg",
		"err":         "errArg",
		"string":      "stringArg",
		"unsafe":      "unsafeArg",
		"type_params": "typeParams",
	} {
		got := n.param(c)
		require.Equal(t, want, got, c)
		require.True(t, token.IsIdentifier(got), got)
	}
}

// TestRealNames holds the names of the real bindings against Go's rules: all are
// exported identifiers.
func TestRealNames(t *testing.T) {
	m, api := realManifest(t), realAPI(t)
	n := names{m}
	for _, f := range api.Funcs {
		require.True(t, token.IsExported(n.function(f.Name)), f.Name)
		for _, p := range f.Params {
			require.True(t, token.IsIdentifier(n.param(p.Name)), "%s: %s", f.Name, p.Name)
		}
	}
	for _, s := range api.Structs {
		require.True(t, token.IsExported(n.typ(s.Name)), s.Name)
	}
}
