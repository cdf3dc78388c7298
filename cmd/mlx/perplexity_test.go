package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const rows = "../../models/testdata/perplexity.jsonl"

// perplexityCases are what mlx-lm says (models/testdata/perplexity.py).
func perplexityCases(t *testing.T) []perplexityCase {
	t.Helper()
	data, err := os.ReadFile("../../models/testdata/perplexity.json")
	require.NoError(t, err)
	var ref struct{ Cases []perplexityCase }
	require.NoError(t, json.Unmarshal(data, &ref))
	require.Len(t, ref.Cases, 4)
	return ref.Cases
}

type perplexityCase struct {
	Name              string
	Seed              uint32
	Samples           int `json:"num_samples"`
	Length            int `json:"sequence_length"`
	Batch             int `json:"batch_size"`
	Perplexity, Error float64
}

// The perplexity of SmolLM2 and its standard error are mlx-lm's, within 1e-3: the
// same lines by the same seed, the same tokens, the same losses.
func TestPerplexityEqualsMLXLM(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	whole := filepath.Join(t.TempDir(), "whole.txt")
	lines, err := readDocuments(&console{ctx: t.Context()}, rows)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(whole, []byte(strings.Join(lines, "\n")), 0o600))
	for _, c := range perplexityCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			args := []string{"perplexity", "--model=smollm2", "--json", "--dtype=float32", "--weights=dense", "--text", rows,
				fmt.Sprint("--seed=", c.Seed), fmt.Sprint("--num-samples=", c.Samples),
				fmt.Sprint("--sequence-length=", c.Length), fmt.Sprint("--batch-size=", c.Batch)}
			switch c.Name {
			case "whole":
				args = append(args, "--text", whole)
			case "packed":
				args = append(args, "--weights=packed")
			}
			o := call(t, "", args...)
			require.Equal(t, 0, o.code, o.err)
			require.Empty(t, o.err, "no progress where no terminal is")
			var got perplexityJSON
			require.NoError(t, json.Unmarshal([]byte(o.out), &got))
			require.InEpsilon(t, c.Perplexity, got.Perplexity, 1e-3)
			require.InEpsilon(t, c.Error, *got.StandardError, 1e-3)
			require.Equal(t, c.Samples, got.Sequences)
			require.Equal(t, c.Samples*(c.Length-1), got.Tokens)
		})
	}
}

func TestPerplexityForPeople(t *testing.T) {
	o := call(t, "", "perplexity", "--model=smollm2", "--text", rows, "--sequence-length=16", "--num-samples=1")
	require.Equal(t, 0, o.code, o.err)
	require.Regexp(t, `^perplexity: \d+\.\d{3} ± \d+\.\d{3}\ntokens: 15 in 1 sequence, \d+ tokens/s\npeak memory: \d+ MB\n$`, o.out)
}

func TestPerplexityRefuses(t *testing.T) {
	args := func(more ...string) []string { return append([]string{"perplexity", "--model=smollm2"}, more...) }
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte("{\"text\":\"a\"}\n\n{\"words\":1}\n"), 0o600))
	requireSentence(t, call(t, "", args()...), exitUsage, "--text", "see mlx perplexity --help")
	requireSentence(t, call(t, "", args("--text=x", "--num-samples=0")...), exitUsage, "--num-samples=0 is neither positive nor -1")
	requireSentence(t, call(t, "", args("--text=x", "--sequence-length=1")...), exitUsage, "--sequence-length=1 is not 2 or more")
	requireSentence(t, call(t, "", args("--text=x", "--batch-size=0")...), exitUsage, "--batch-size=0 is not positive")
	requireSentence(t, call(t, "", args("--text=nowhere")...), exitFailed, "reading the text", "nowhere")
	requireSentence(t, call(t, "", args("--text", bad)...), exitFailed, bad, "line 3", `there is no "text"`)
	requireSentence(t, call(t, "few words", args("--text=-")...), exitFailed, "3 tokens, fewer than the 512 of --sequence-length")
}
