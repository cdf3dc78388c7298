package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const tinyConfig = "../../models/testdata/llama/gqa/config.json"

// benchJSON is benchReport as a reader has it.
type benchJSON struct {
	Model, Machine string
	PromptTokens   int      `json:"prompt_tokens"`
	BatchSize      int      `json:"batch_size"`
	Prompt         measured `json:"prompt_tps"`
	Generation     measured `json:"generation_tps"`
	PeakMemory     uint64   `json:"peak_memory"`
}

type measured struct {
	Median, Stddev, Min, Max float64
	Runs                     []float64
}

func TestBench(t *testing.T) {
	for _, batch := range []string{"-b1", "-b3"} {
		o := call(t, "", "bench", "--config", tinyConfig, "-p", "20", "-n", "6", "-r", "3", "--prefill-step-size=8", batch, "--json")
		require.Equal(t, 0, o.code, o.err)
		require.Empty(t, o.err, "no progress where no terminal is")
		var got benchJSON
		require.NoError(t, json.Unmarshal([]byte(o.out), &got))
		require.Equal(t, tinyConfig+", random weights", got.Model)
		require.Equal(t, 20, got.PromptTokens)
		require.Equal(t, int(batch[2]-'0'), got.BatchSize)
		require.Positive(t, got.PeakMemory)
		for _, m := range []measured{got.Prompt, got.Generation} {
			require.Len(t, m.Runs, 3, "the run that warms up is not counted")
			require.LessOrEqual(t, m.Min, m.Median)
			require.LessOrEqual(t, m.Median, m.Max)
			require.Positive(t, m.Min)
		}
	}
}

func TestBenchForPeople(t *testing.T) {
	o := call(t, "", "bench", "--model=smollm2", "-p", "8", "-n", "4", "-r", "2")
	require.Equal(t, 0, o.code, o.err)
	lines := strings.Split(o.out, "\n")
	require.Regexp(t, `^smollm2 \((dense|as stored,) \w+\), batch of 1, peak memory \d+ MB, .+, MLX \S+$`, lines[0])
	require.Equal(t, []string{"| test | tokens/s | slowest | fastest |", "|:--|--:|--:|--:|"}, lines[2:4])
	require.Regexp(t, `^\| pp8 \| \d+\.\d\d ± \d+\.\d\d \| \d+\.\d\d \| \d+\.\d\d \|$`, lines[4])
	require.Regexp(t, `^\| tg4 \| `, lines[5])
}

func TestSeries(t *testing.T) {
	s := series{9, 1, 2, 4}
	require.InDelta(t, 3, s.median(), 1e-12)
	require.InEpsilon(t, 3.559026084010437, s.deviation(), 1e-12) // sqrt(38/3)
	require.Equal(t, "3.00 ± 3.56", s.String())
	require.Zero(t, series{5}.deviation())
}

func TestBenchRefuses(t *testing.T) {
	requireSentence(t, call(t, "", "bench"), exitUsage, "--model", "--config", "see mlx bench --help")
	requireSentence(t, call(t, "", "bench", "--model=a", "--config=b"), exitUsage, "can't be used together")
	requireSentence(t, call(t, "", "bench", "--model=a", "-p0"), exitUsage, "--prompt-tokens=0 is not 1 or more")
	requireSentence(t, call(t, "", "bench", "--model=a", "-n1"), exitUsage, "--generation-tokens=1 is not 2 or more")
	requireSentence(t, call(t, "", "bench", "--model=a", "-r0"), exitUsage, "--repetitions=0 is not 1 or more")
	requireSentence(t, call(t, "", "bench", "--model=nowhere"), exitFailed, "there is no model nowhere")
	bad := writeConfig(t, `{"model_type": "gpt2"}`)
	requireSentence(t, call(t, "", "bench", "--config", bad), exitFailed, bad, `unknown architecture "gpt2"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := callIn(t, ctx, strings.NewReader(""), "bench", "--config", tinyConfig, "-b2")
	require.Equal(t, exitInterrupted, o.code)
}
