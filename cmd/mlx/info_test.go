package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Llama 3.2 1B as published: 1,235,814,400 parameters, 16 layers of 8 heads of
// keys and values.
const llama32 = `{"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
	"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "rms_norm_eps": 1e-05,
	"rope_theta": 500000.0, "max_position_embeddings": 131072, "tie_word_embeddings": true, "torch_dtype": "bfloat16"}`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestInfo(t *testing.T) {
	path := writeConfig(t, llama32)
	for _, arg := range []string{path, filepath.Dir(path)} {
		o := call(t, "", "info", "--config", arg, "--tensors")
		require.Equal(t, 0, o.code, o.err)
		for _, line := range []string{
			"model       llama, 16 layers, vocabulary of 128256\n",
			"parameters  1,235,814,400 (1.24 B)\n",
			"weights     2.5 GB as stored (bfloat16)\n",
			"cache       268 MB for 8,192 tokens\n",
			"model.layers.{0-15}.self_attn.k_proj.weight          [512 2048]\n",
		} {
			require.Contains(t, o.out, line)
		}
	}
}

func TestInfoJSON(t *testing.T) {
	o := call(t, "", "info", "--config", writeConfig(t, llama32), "--json", "--context", "1000")
	require.Equal(t, 0, o.code, o.err)
	var got infoJSON
	require.NoError(t, json.Unmarshal([]byte(o.out), &got))
	require.Equal(t, int64(1_235_814_400), got.Parameters)
	require.Equal(t, uint64(16*2*8*64*2*1000), got.Cache)
	require.Len(t, got.Tensors, 2+16*9)
	require.Equal(t, tensorJSON{"model.embed_tokens.weight", []int{128256, 2048}, ""}, got.Tensors[0])
}

// The files of a model: the folder's weights are of three forms, and it has no
// text; the GGUF file has all.
func TestInfoOfFiles(t *testing.T) {
	o := call(t, "", "info", "--model", mixed, "--tensors")
	require.Equal(t, 0, o.code, o.err)
	for _, line := range []string{
		"            2.3 kB in 1 tensor as 8-bit affine, groups of 64 (9 bits each)\n",
		"limits      512 tokens\n", "template    none\n", "tokenizer   none\n",
		"model.layers.0.self_attn.k_proj.weight              [32 64]  8-bit affine, groups of 64\n",
		"model.layers.{0-1}.self_attn.q_proj.weight          [64 64]  4-bit affine, groups of 32\n",
	} {
		require.Contains(t, o.out, line)
	}
	o = call(t, "", "info", "--model=smollm2", "--tensors")
	require.Equal(t, 0, o.code, o.err)
	for _, line := range []string{
		"parameters  134,515,008 (135 M)\n", // the published model's
		"            66 MB in 210 tensors as Q4_1 (5 bits each)\n",
		"limits      8,192 tokens\n", "template    default\n",
		"tokenizer   BPE, 49,152 tokens, 17 special: <|endoftext|> <|im_start|> <|im_end|> ",
		"model.layers.{0-29}.mlp.up_proj.weight               [1536 576]   Q4_1\n",
		"size label  135M\n", "license     apache-2.0\n",
	} {
		require.Contains(t, o.out, line)
	}
}

// mixed is a folder of tiny weights, packed in two ways.
const mixed = "../../models/testdata/llama/mixed"

func TestInfoOfFilesJSON(t *testing.T) {
	o := call(t, "", "info", "--model=smollm2", "--json")
	require.Equal(t, 0, o.code, o.err)
	var got infoJSON
	require.NoError(t, json.Unmarshal([]byte(o.out), &got))
	require.Equal(t, 8192, got.MaxPositions)
	require.Equal(t, []string{"default"}, got.Files.Templates)
	require.Equal(t, "135M", got.Files.SizeLabel)
	require.Equal(t, "apache-2.0", got.Files.License)
	require.Equal(t, tokenizerJSON{"BPE", 49152, got.Files.Tokenizer.Special}, *got.Files.Tokenizer)
	require.Contains(t, got.Files.Tokenizer.Special, "<|im_end|>")
	var parameters, bytes int64
	for _, p := range got.Files.Precisions {
		parameters, bytes = parameters+p.Parameters, bytes+p.Bytes
	}
	require.Equal(t, got.Parameters, parameters)
	require.Equal(t, got.Weights["stored"], uint64(bytes))
}

func TestInfoRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"model_type": "llama", "hidden_size": -1}`: "hidden_size: -1 is not between 1 and",
		`{"model_type": "gpt2"}`:                     `unknown architecture "gpt2"`,
		`{`:                                          "not valid JSON",
	} {
		path := writeConfig(t, text)
		o := call(t, "", "info", "--config", path)
		require.Equal(t, exitFailed, o.code)
		require.Contains(t, o.err, path)
		require.Contains(t, o.err, want)
	}
	requireSentence(t, call(t, "", "info"), exitUsage, "--model", "--config")
	requireSentence(t, call(t, "", "info", "--config=a", "--model=b"), exitUsage, "can't be used together")
	requireSentence(t, call(t, "", "info", "--config=a", "--context=-1"), exitUsage, "--context=-1 is negative")
	requireSentence(t, call(t, "", "info", "--model=nowhere"), exitFailed, "there is no model nowhere")
	requireSentence(t, call(t, "", "info", "--model", t.TempDir()), exitFailed, "config.json")
	o := call(t, "", "info", "--config", "nowhere.json")
	require.Equal(t, exitFailed, o.code)
	require.Contains(t, o.err, "nowhere.json")
}
