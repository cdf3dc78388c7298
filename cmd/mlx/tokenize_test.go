package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const tinyTokenizer = "--model=../../tokenizer/testdata/llama3.json"

func TestTokenize(t *testing.T) {
	for _, c := range []struct {
		name, in string
		args     []string
		want     string
	}{
		{"pieces and ids", "", []string{"the quick\tfox"}, "<|start|>|the| qu|ick|\\t|fo|x\n"},
		{"count", "", []string{"--count", "the quick fox"}, "5\n"},
		{"plain", "", []string{"--count", "--plain", "the quick fox"}, "4\n"},
		{"standard input", "the quick fox\n", []string{"--count"}, "5\n"},
		{"standard input by name", "the quick fox\n", []string{"--count", "-"}, "5\n"},
		{"count as JSON", "", []string{"--count", "--json", "the quick fox"}, "{\"count\":5}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := call(t, c.in, append([]string{"tokenize", tinyTokenizer}, c.args...)...)
			require.Equal(t, 0, o.code, o.err)
			require.Empty(t, o.err)
			require.Equal(t, c.want, o.out[:min(len(o.out), len(c.want))])
		})
	}
}

func TestTokenizeAndBack(t *testing.T) {
	const text = "Größe <|end|>\n日本\x00"
	o := call(t, "", "tokenize", tinyTokenizer, "--json", text)
	require.Equal(t, 0, o.code, o.err)
	var got struct {
		Count   int
		IDs     []int32
		Tokens  []string
		Offsets [][2]int
	}
	require.NoError(t, json.Unmarshal([]byte(o.out), &got))
	require.Equal(t, "<|start|>", got.Tokens[0])
	require.Equal(t, got.Count, len(got.IDs))
	require.Contains(t, got.Offsets, [2]int{len("Größe "), len("Größe <|end|>")})
	ids, err := json.Marshal(got.IDs)
	require.NoError(t, err)
	for _, in := range [][2]string{{"", string(ids)}, {string(ids), ""}} {
		o = call(t, in[0], "tokenize", tinyTokenizer, "--decode", in[1])
		require.Equal(t, 0, o.code, o.err)
		require.Equal(t, "<|start|>"+text+"\n", o.out)
	}
}

// A folder and its file are the same model; the pinned GGUF has its name.
func TestTokenizeModels(t *testing.T) {
	data, err := os.ReadFile("../../tokenizer/testdata/llama3.json")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.json"), data, 0o600))
	file := call(t, "", "tokenize", tinyTokenizer, "a fox")
	folder := call(t, "", "tokenize", "--model="+dir, "a fox")
	require.Equal(t, file, folder)
	o := call(t, "", "tokenize", "--model=smollm2", "--plain", "Hello, world!")
	require.Equal(t, outcome{0, "Hello|,| world|!\n19556 28 905 17\n4 tokens\n", ""}, o)
}

func TestTokenizeErrors(t *testing.T) {
	requireSentence(t, call(t, "", "tokenize", "--model=none", "x"), exitFailed, "there is no model none")
	requireSentence(t, call(t, "", "tokenize", "--model="+t.TempDir(), "x"), exitFailed, "tokenizer.json")
	requireSentence(t, call(t, "", "tokenize", tinyTokenizer, "--decode", "1 two"), exitFailed, `"two" is not a token id`)
	requireSentence(t, call(t, "", "tokenize", tinyTokenizer, "--decode", "999999"), exitFailed, "999999 is not a token")
	requireSentence(t, call(t, "", "tokenize", tinyTokenizer, "--decode", "--count", "1"), exitUsage, "exclude each other")
	requireSentence(t, call(t, "", "tokenize", "x"), exitUsage, "--model", "see mlx tokenize --help")
}
