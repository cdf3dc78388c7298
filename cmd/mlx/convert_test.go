package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
)

// tinyFolder is a llama of two layers with a tokenizer.
func tinyFolder(t *testing.T) string {
	t.Helper()
	dir, root := t.TempDir(), filepath.Join("..", "..")
	for to, from := range map[string]string{
		"config.json":       filepath.Join(root, "models", "testdata", "llama", "plain", "config.json"),
		"model.safetensors": filepath.Join(root, "models", "testdata", "llama", "plain", "model.safetensors"),
		"tokenizer.json":    filepath.Join(root, "tokenizer", "testdata", "tiny.json"),
	} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), data, 0o600))
	}
	return dir
}

func TestConvert(t *testing.T) {
	leaktest.Check(t)
	to := filepath.Join(t.TempDir(), "folders", "are made", "to")
	args := []string{"convert", "--model", tinyFolder(t), "--out", to, "-q", "--q-bits=8", "--q-group-size=32", "--dtype=bfloat16",
		"--layer", `(q|k)_proj=bits=4,group_size=32`, "--layer=v_proj=dense"}
	o := call(t, "", args...)
	require.Equal(t, outcome{0, to + ": 23 KiB in 1 file, 9.889 bits per weight\n", ""}, o)
	data, err := os.ReadFile(filepath.Join(to, "config.json"))
	require.NoError(t, err)
	var config struct {
		Quantization map[string]any
	}
	require.NoError(t, json.Unmarshal(data, &config))
	require.Equal(t, map[string]any{"group_size": 32.0, "bits": 4.0, "mode": "affine"}, config.Quantization["model.layers.1.self_attn.k_proj"])
	require.NotContains(t, config.Quantization, "model.layers.1.self_attn.v_proj")
	m, err := models.Load(t.Context(), to)
	require.NoError(t, err)
	require.NoError(t, m.Close())

	o = call(t, "", args...)
	requireSentence(t, o, exitFailed, to, "the folder is not empty")

	for ext, first := range map[string]string{".md": "| weight | shape", ".json": "[\n  {\n    \"name\": \"model.embed_tokens.weight\",", ".svg": "<?xml", ".png": "\x89PNG"} {
		report := filepath.Join(t.TempDir(), "report"+ext)
		o = call(t, "", "convert", "--model", tinyFolder(t), "--out", to+ext, "-q", "--q-group-size=32", "--report", report)
		require.Equal(t, 0, o.code, o.err)
		data, err := os.ReadFile(report)
		require.NoError(t, err)
		require.Equal(t, first, string(data[:len(first)]))
	}

	o = call(t, "", "convert", "--model", to, "--out", to+"again", "-q", "--q-group-size=32")
	require.Equal(t, 0, o.code, o.err)
	require.Equal(t, "12 weights were packed already: kept; --dequantize first packs otherwise\n", o.err)

	back := filepath.Join(t.TempDir(), "back")
	o = call(t, "", "convert", "--hf-path", to, "--mlx-path", back, "-d", "--dtype", "float32")
	require.Equal(t, 0, o.code, o.err)
	require.Contains(t, o.out, "32.000 bits per weight")
}

// A folder becomes a file that the command reads again, as a model and as a source.
func TestConvertGGUF(t *testing.T) {
	leaktest.Check(t)
	source, err := testmodels.SmolLM2(t.Context())
	require.NoError(t, err)
	if testing.Short() {
		t.Skip("converts a real model")
	}
	dir, file, report := filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "model.gguf"), filepath.Join(t.TempDir(), "report.json")
	o := call(t, "", "convert", "--hf-path", source, "--mlx-path", dir, "--report", report)
	require.Equal(t, 0, o.code, o.err)
	require.Contains(t, o.out, dir+": 94 MiB in 1 file, 5.")
	data, err := os.ReadFile(report)
	require.NoError(t, err)
	var errors []struct {
		RMS float64 `json:"relative_rms"`
	}
	require.NoError(t, json.Unmarshal(data, &errors))
	for _, e := range errors {
		require.Less(t, e.RMS, 1e-6, "Q4_1 and Q8_0 are groups of MLX, and the norms were float16")
	}
	o = call(t, "", "convert", "--model", dir, "--outfile", file, "--outtype=q4_1")
	require.Equal(t, 0, o.code, o.err)
	require.Equal(t, file+": 92 MiB in 1 file, 5.744 bits per weight\n", o.out)
	o = call(t, "", "convert", "-m", dir, "--outfile", file, "--outtype=q4_0", "--json", "--quiet")
	require.Equal(t, 0, o.code, o.err)
	require.Empty(t, o.err)
	var told map[string]any
	require.NoError(t, json.Unmarshal([]byte(o.out), &told))
	stat, err := os.Stat(file)
	require.NoError(t, err)
	require.InDelta(t, stat.Size(), told["bytes"], 4e6, "and metadata")
	require.Equal(t, []any{file, 1.0, 134515008.0}, []any{told["path"], told["files"], told["parameters"]})
	o = call(t, "", "info", "--json", "--model", file)
	require.Equal(t, 0, o.code, o.err)
	require.Contains(t, o.out, `"Q4_0"`)
}

func TestConvertWrongUse(t *testing.T) {
	dir := tinyFolder(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no model":      {[]string{}, "--model"},
		"no folder":     {[]string{"--model=/nowhere"}, "--model"},
		"bits alone":    {[]string{"--model", dir, "--q-bits=4"}, "go with --quantize"},
		"mode":          {[]string{"--model", dir, "-q", "--q-mode=int4"}, "int4"},
		"dtype":         {[]string{"--model", dir, "--dtype=int8"}, "int8"},
		"layer":         {[]string{"--model", dir, "-q", "--layer=down_proj"}, "want REGEXP=bits=N"},
		"layer's bits":  {[]string{"--model", dir, "-q", "--layer=x=bits=many"}, `bits: "many" is no number`},
		"report":        {[]string{"--model", dir, "-q", "--report=x.txt"}, "x.txt is none of .md, .json, .svg, .png"},
		"outtype alone": {[]string{"--model", dir, "--outtype=q8_0"}, "goes with an --out that ends in .gguf"},
		"outtype":       {[]string{"--model", dir, "--out=x.gguf", "--outtype=q6_k"}, "q6_k"},
		"packed file":   {[]string{"--model", dir, "--out=x.gguf", "-q"}, "--outtype is what a .gguf file has"},
		"regexp":        {[]string{"--model", dir, "-q", "--layer=(=dense"}, "missing closing )"},
	} {
		t.Run(name, func(t *testing.T) {
			requireSentence(t, call(t, "", append([]string{"convert"}, c.args...)...), exitUsage, c.says, "see mlx convert --help")
		})
	}
}
