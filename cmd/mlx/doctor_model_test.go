package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
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
	require.NoError(t, fits(6e9, 2e9, 8e9))
	require.NoError(t, fits(6e9, 2e9, 0))
	require.EqualError(t, fits(9e9, 2e9, 8e9),
		"the model does not fit into memory: its weights take 9.0 GB and there are 8.0 GB; quantised to fewer bits they may fit")
	require.ErrorIs(t, fits(7e9, 2e9, 8e9), errNoFit)
	var out bytes.Buffer
	(&modelDiagnosis{Type: "llama", Available: 8e9}).print(&out)
	(&modelDiagnosis{Type: "llama"}).print(&out)
	require.Contains(t, out.String(), "\navailable  8.0 GB\n")
	require.Contains(t, out.String(), "\navailable  this system does not tell\n")
}

// --json is one object with all that the text has, and the error too.
func TestDoctorJSON(t *testing.T) {
	read := func(o outcome) (d diagnosis) {
		require.NoError(t, json.Unmarshal([]byte(o.out), &d), o.out)
		return d
	}
	o := call(t, "", "doctor", "--json", "--model=smollm2", "--context=1024", "--dtype=float16", "--weights=packed")
	require.Equal(t, 0, o.code, o.err)
	d := read(o)
	require.Equal(t, native.MLXVersion, d.MLX)
	require.Equal(t, native.MLXVersion, d.Library.Version)
	require.NotEmpty(t, d.Library.Searched)
	require.Regexp(t, `^(cpu|gpu):0$`, d.Device)
	require.Positive(t, d.Limit)
	require.Equal(t, "llama", d.Model.Type)
	require.Equal(t, uint64(1024*30*2*3*64*2), d.Model.Cache)
	require.True(t, d.Model.Fits)
	require.Empty(t, d.Error)

	o = call(t, "", "doctor", "--json", "--model=smollm2", "--context=16000000")
	require.Equal(t, exitFailed, o.code)
	d = read(o)
	require.False(t, d.Model.Fits)
	require.Contains(t, d.Error, "the model does not fit into memory")
	require.Contains(t, o.err, d.Error)
}
