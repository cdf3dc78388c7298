package convert_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// TestLayer converts with settings for some layers, and reads back how each is
// packed, from config.json and from the file.
func TestLayer(t *testing.T) {
	from, to := folder(t, references(t), "plain"), filepath.Join(t.TempDir(), "to")
	_, err := convert.Folder(t.Context(), from, to,
		convert.Quantize(nn.Quantisation{Bits: 4}),
		convert.Layer(regexp.MustCompile(`down_proj`), nn.Quantisation{Bits: 8, GroupSize: 32}),
		convert.Layer(regexp.MustCompile(`layers\.1\.mlp|lm_head`), nn.Quantisation{}),
		convert.Layer(regexp.MustCompile(`v_proj`), nn.Quantisation{Mode: "mxfp8"}))
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(to, "config.json"))
	require.NoError(t, err)
	var config struct{ Quantization json.RawMessage }
	require.NoError(t, json.Unmarshal(data, &config))
	require.JSONEq(t, `{"group_size": 64, "bits": 4, "mode": "affine",
		"model.layers.0.mlp.down_proj": {"group_size": 32, "bits": 8, "mode": "affine"},
		"model.layers.1.mlp.down_proj": {"group_size": 32, "bits": 8, "mode": "affine"},
		"model.layers.0.self_attn.v_proj": {"group_size": 32, "bits": 8, "mode": "mxfp8"},
		"model.layers.1.self_attn.v_proj": {"group_size": 32, "bits": 8, "mode": "mxfp8"}}`, string(config.Quantization))
	require.Equal(t, map[string]nn.Quantisation{
		"lm_head": {}, "model.embed_tokens": {GroupSize: 64, Bits: 4, Mode: "affine"},
		"model.layers.1.mlp.up_proj": {}, "model.layers.1.mlp.down_proj": {GroupSize: 32, Bits: 8, Mode: "affine"},
		"model.layers.0.mlp.up_proj": {GroupSize: 64, Bits: 4, Mode: "affine"}, "model.layers.0.self_attn.v_proj": {GroupSize: 32, Bits: 8, Mode: "mxfp8"},
	}, packing(t, to, "lm_head", "model.embed_tokens", "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj",
		"model.layers.0.mlp.up_proj", "model.layers.0.self_attn.v_proj"))
	m, err := models.Load(t.Context(), to)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

// packing is how layers of a folder are packed.
func packing(t *testing.T, dir string, layers ...string) map[string]nn.Quantisation {
	t.Helper()
	ck, err := models.OpenCheckpoint(dir)
	require.NoError(t, err)
	defer ck.Close()
	out := map[string]nn.Quantisation{}
	for _, tensor := range ck.Tensors {
		for _, layer := range layers {
			if tensor.Name != layer+".weight" {
				continue
			}
			out[layer] = nn.Quantisation{}
			if q, ok := tensor.Tensor.(nn.Quantised); ok {
				out[layer] = q.Quantisation()
			}
		}
	}
	return out
}

// TestRestIsQuantised packs what a packed checkpoint left dense; config.json then
// lists each of those layers, as mlx-lm does.
func TestRestIsQuantised(t *testing.T) {
	from := folder(t, references(t), "plain")
	some, all := filepath.Join(t.TempDir(), "some"), filepath.Join(t.TempDir(), "all")
	_, err := convert.Folder(t.Context(), from, some, convert.Quantize(nn.Quantisation{}), convert.Layer(regexp.MustCompile(`mlp`), nn.Quantisation{}))
	require.NoError(t, err)
	_, err = convert.Folder(t.Context(), some, all, convert.Quantize(nn.Quantisation{Bits: 8}))
	require.NoError(t, err)
	require.Equal(t, map[string]nn.Quantisation{
		"lm_head": {GroupSize: 64, Bits: 4, Mode: "affine"}, "model.layers.1.mlp.up_proj": {GroupSize: 64, Bits: 8, Mode: "affine"},
	}, packing(t, all, "lm_head", "model.layers.1.mlp.up_proj"))
}

func TestRefused(t *testing.T) {
	cases := references(t)
	from := folder(t, cases, "plain")
	full := t.TempDir()
	write(t, full, "notes.txt", "mine")
	for name, c := range map[string]struct {
		from, to string
		opts     []convert.Option
		says     string
	}{
		"both":           {from, "", []convert.Option{convert.Quantize(nn.Quantisation{}), convert.Dequantize()}, "either quantize or dequantize"},
		"recipe alone":   {from, "", []convert.Option{convert.Recipe("mixed_2_6")}, "go with quantize"},
		"no such recipe": {from, "", []convert.Option{convert.Quantize(nn.Quantisation{}), convert.Recipe("mixed_1_2")}, `recipe "mixed_1_2" is none of [mixed_2_6 mixed_3_4 mixed_3_6 mixed_4_6]`},
		"recipe of mxfp": {from, "", []convert.Option{convert.Quantize(nn.Quantisation{Mode: "mxfp4"}), convert.Recipe("mixed_2_6")}, `mode "mxfp4" is not affine`},
		"mode":           {from, "", []convert.Option{convert.Quantize(nn.Quantisation{Mode: "int4"})}, `"int4" is none of`},
		"bits":           {from, "", []convert.Option{convert.Quantize(nn.Quantisation{Bits: 7})}, "7 bits in groups of 64"},
		"group":          {from, "", []convert.Option{convert.Quantize(nn.Quantisation{Mode: "mxfp4", GroupSize: 64})}, "4 bits in groups of 64"},
		"layer's bits":   {from, "", []convert.Option{convert.Quantize(nn.Quantisation{}), convert.Layer(regexp.MustCompile("x"), nn.Quantisation{Bits: 1})}, "layers x: nn: 1 bits"},
		"layer's group":  {folder(t, cases, "mixed_3_6"), "", []convert.Option{convert.Quantize(nn.Quantisation{}), convert.Layer(regexp.MustCompile("lm_head"), nn.Quantisation{GroupSize: 128})}, "lm_head.weight: groups of 128 do not divide a row of 64"},
		"dtype":          {from, "", []convert.Option{convert.Dtype(mlx.Int8)}, "dtype int8 is none of float32, float16 and bfloat16"},
		"shard":          {from, "", []convert.Option{convert.ShardSize(-1)}, "a shard size of -1 bytes"},
		"not empty":      {from, full, nil, "the folder is not empty"},
		"a file":         {from, filepath.Join(full, "notes.txt"), nil, "notes.txt"},
		"no source":      {filepath.Join(full, "none"), "", nil, "none: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			to := c.to
			if to == "" {
				to = filepath.Join(parent, "to")
			}
			_, err := convert.Folder(t.Context(), c.from, to, c.opts...)
			require.ErrorContains(t, err, "convert: ")
			require.ErrorContains(t, err, c.says)
			requireEmpty(t, parent)
		})
	}
	_, err := convert.Folder(t.Context(), from, full)
	require.ErrorIs(t, err, convert.ErrNotEmpty)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// TestInterrupted cancels in the middle: nothing is left. An empty folder may be
// there beforehand.
func TestInterrupted(t *testing.T) {
	from, parent := folder(t, references(t), "plain"), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var names []string
	_, err := convert.Folder(ctx, from, filepath.Join(parent, "to"), convert.Progress(func(done, total int, name string) {
		require.Equal(t, 21, total)
		names = append(names, name)
		if done == 10 {
			cancel()
		}
	}))
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, names, 11)
	requireEmpty(t, parent)

	to := filepath.Join(parent, "to")
	require.NoError(t, os.Mkdir(to, 0o700))
	_, err = convert.Folder(t.Context(), from, to)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(to, "model.safetensors"))
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary folder is left")
}
