package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDoctorOfModels(t *testing.T) {
	o := call(t, "", "doctor", "--model=smollm2", "--context=1024", "--dtype=float16", "--weights=packed")
	require.Equal(t, 0, o.code, o.err)
	require.Equal(t, []string{"llama, 135 M parameters: files and weights are right"}, section(o.out, "model"))
	require.Contains(t, section(o.out, "weights")[0], "MB, as stored, computed in float16")
	require.Equal(t, []string{"24 MB for 1,024 tokens"}, section(o.out, "cache")) // 30 layers, 2 x 3 heads of 64, 2 bytes

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type": "gpt2"}`), 0o600))
	for want, args := range map[string][]string{
		"the model has no tokenizer": {"--model", mixed},
		"there is no model nowhere":  {"--model=nowhere"},
		dir:                          {"--model", dir},
		"--context=-1 is negative":   {"--context=-1"},
	} {
		o := call(t, "", append([]string{"doctor"}, args...)...)
		require.NotZero(t, o.code)
		require.Contains(t, o.err, want)
	}
	o = call(t, "", "doctor", "--model=smollm2", "--context=16000000")
	require.Equal(t, exitFailed, o.code)
	require.Contains(t, o.err, "mlx: the model does not fit into memory: weights and cache take ")
	require.Contains(t, o.err, "a smaller --context may fit")
}

func TestFits(t *testing.T) {
	var out bytes.Buffer
	c := &console{ctx: t.Context(), out: &out}
	require.NoError(t, fits(c, 6e9, 2e9, 8e9))
	require.NoError(t, fits(c, 6e9, 2e9, 0))
	require.Equal(t, "available  8.0 GB\navailable  this system does not tell\n", out.String())
	require.EqualError(t, fits(c, 9e9, 2e9, 8e9),
		"the model does not fit into memory: its weights take 9.0 GB and there are 8.0 GB; quantised to fewer bits they may fit")
	require.ErrorIs(t, fits(c, 7e9, 2e9, 8e9), errNoFit)
}
